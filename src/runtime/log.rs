//! Structured logs: one JSON object per line, with a message and fields.
//!
//! Never logged: prompts, bodies, tokens, keys, proofs, upstream task ids, signed or upstream URLs.

use serde_json::{Map, Value};
use worker::js_sys::ArrayBuffer;
use worker::js_sys::WebAssembly::Memory;
use worker::wasm_bindgen::{JsCast, memory};
use worker::{console_error, console_log, console_warn};

#[derive(Clone, Copy, Debug)]
pub enum Level {
    Info,
    Warn,
    Error,
}

/// Writes one line.
pub fn write<const N: usize>(level: Level, message: &str, fields: [(&str, Value); N]) {
    let mut line = Map::new();
    let level_name = match level {
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    line.insert("level".to_owned(), level_name.into());
    line.insert("message".to_owned(), message.into());
    line.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let line = Value::Object(line).to_string();
    match level {
        Level::Info => console_log!("{}", line),
        Level::Warn => console_warn!("{}", line),
        Level::Error => console_error!("{}", line),
    }
}

/// The size of the wasm memory, to verify that videos never enter it.
#[must_use]
pub fn wasm_memory_bytes() -> u64 {
    let memory = memory().unchecked_into::<Memory>();
    u64::from(memory.buffer().unchecked_into::<ArrayBuffer>().byte_length())
}
