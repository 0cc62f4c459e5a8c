//! Bytes that JavaScript holds, as [`multipart`](crate::multipart) wants them: searched and cut by the
//! runtime, never copied into wasm.

use worker::js_sys::{JsString, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;

use super::streams::chunk_of;
use crate::multipart::Bytes;

#[wasm_bindgen]
extern "C" {
    /// The runtime's decoder, as one that gives a JavaScript string back.
    type TextDecoder;

    #[wasm_bindgen(constructor, catch)]
    fn new(label: &str) -> Result<TextDecoder, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn decode(this: &TextDecoder, bytes: &Uint8Array) -> Result<JsString, JsValue>;
}

/// Bytes that JavaScript holds, beside themselves as text of one character a byte, in which the runtime
/// searches for delimiters.
pub struct Chunk {
    pub array: Uint8Array,
    latin1: JsString,
}

impl Chunk {
    #[must_use]
    pub fn new(array: Uint8Array) -> Self {
        let decoded = TextDecoder::new("latin1").and_then(|decoder| decoder.decode(&array));
        // Latin-1 decodes every byte; an empty text would only mean that no delimiter is found.
        Self { array, latin1: decoded.unwrap_or_default() }
    }
}

impl Bytes for Chunk {
    fn of(text: &str) -> Self {
        Self::new(chunk_of(text))
    }

    fn len(&self) -> usize {
        to_usize(self.array.length())
    }

    fn find(&self, needle: &str, from: usize) -> Option<usize> {
        let from = i32::try_from(from).ok()?;
        usize::try_from(self.latin1.index_of(needle, from)).ok()
    }

    fn slice(&self, start: usize, end: usize) -> Self {
        let (start, end) = (to_u32(start), to_u32(end));
        Self { array: self.array.subarray(start, end), latin1: self.latin1.substring(start, end) }
    }

    fn joined(&self, next: &Self) -> Self {
        Self { array: joined(&self.array, &next.array), latin1: self.latin1.concat(&next.latin1) }
    }

    fn text(&self) -> Option<String> {
        String::from_utf8(self.array.to_vec()).ok()
    }
}

/// One run of bytes after the other.
#[must_use]
pub fn joined(first: &Uint8Array, second: &Uint8Array) -> Uint8Array {
    if first.length() == 0 {
        return second.clone();
    }
    let both = Uint8Array::new_with_length(first.length() + second.length());
    both.set(first, 0);
    both.set(second, first.length());
    both
}

#[must_use]
pub fn to_usize(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Chunks are far smaller than 4 GiB.
fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
