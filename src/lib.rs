//! MiniMax Hailuo 2.3 on Wiro behind a public endpoint: one Cloudflare Worker that keeps the keys, the
//! money and the videos.
//!
//! The rooms, from the one that requests enter down to the pure ones; each uses only rooms below itself:
//!
//! - `api`: what a request meets, top to bottom; one file for each group of endpoints
//! - `task`: the `VideoTask` object, one for each video
//! - `dispatcher`: the `Dispatcher` object, one for all: queue, budget, lists, models
//! - `calls`: what the two objects are asked and answer
//! - `upstream`: signed calls to Wiro
//! - `storage`: KV, R2, a Durable Object's storage
//! - `config`: the settings as written, as read, as used
//! - `runtime`: the bridge to JavaScript
//! - [`http`]: pieces of HTTP, pure
//! - [`video`]: the domain, pure: requests, records and the lifecycle that decides everything
//! - [`wiro`]: the upstream's wire format, pure
//! - [`mp4`]: the boxes of an MP4 file, pure

pub mod api;
mod calls;
mod config;
mod dispatcher;
pub mod http;
pub mod mp4;
mod runtime;
pub mod storage;
mod task;
mod upstream;
pub mod video;
pub mod wiro;

use config::Config;
use runtime::executor::promised;
use worker::Env;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::Request;
use worker::worker_sys::ScheduledEvent;

/// A request from outside; a promise of the response.
#[wasm_bindgen]
pub fn fetch(request: Request, env: Env) -> Promise {
    promised(async move {
        Config::prepare(&env).await;
        api::serve(request, &env).await.map(JsValue::from)
    })
}

/// The cron trigger.
#[wasm_bindgen]
pub fn scheduled(event: &ScheduledEvent, env: Env) -> Promise {
    let scheduled_ms = event.scheduled_time();
    promised(async move {
        Config::prepare(&env).await;
        dispatcher::sweep::sweep(scheduled_ms?, &env).await;
        Ok(JsValue::UNDEFINED)
    })
}
