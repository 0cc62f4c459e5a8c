//! MiniMax Hailuo 2.3 on Wiro behind a public endpoint: one Cloudflare Worker that keeps the keys, the
//! money and the videos.
//!
//! - [`route`], [`error`]: what a request asks for, and what it is told when that fails
//! - `api`: the flows, one file for each group of endpoints
//! - [`video`]: the domain, pure — ids, requests, records and the lifecycle that decides everything
//! - [`wiro`]: the upstream's wire format, pure
//! - [`multipart`], [`range`], [`prefer`], [`origins`]: pieces of HTTP, pure
//! - [`turnstile`]: what its verifier is asked and answers, pure
//! - [`platform`]: the only code that touches the runtime — settings, objects, KV, R2, network
//!
//! Arrows: `api → {video, wiro, platform}`, `platform → {video, wiro}`; `video` and `wiro` know nobody.

mod api;
pub mod error;
pub mod json;
pub mod multipart;
pub mod origins;
pub mod platform;
pub mod prefer;
pub mod range;
pub mod route;
pub mod turnstile;
pub mod video;
pub mod wiro;

use platform::config::Config;
use platform::executor::promised;
use worker::Env;
use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::Request;

/// A request from outside; a promise of the response.
#[wasm_bindgen]
pub fn fetch(request: Request, env: Env) -> Promise {
    promised(async move {
        Config::prepare(&env).await;
        api::serve(request, &env).await.map(JsValue::from)
    })
}

/// The cron trigger, at the time for which it was scheduled, in unix milliseconds.
#[wasm_bindgen]
pub fn scheduled(time: f64, env: Env) -> Promise {
    promised(async move {
        Config::prepare(&env).await;
        platform::sweep::sweep(time, &env).await;
        Ok(JsValue::UNDEFINED)
    })
}
