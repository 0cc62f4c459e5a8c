//! Cloudflare's rate limiters. The limit of a binding is fixed at deployment; several keys of several bindings combine
//! to any limit.

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, Result};

use super::binding::bound;
use super::clock;
use super::promise::settled;

/// A rate limiter, and the requests that it allows per key and minute, as configured in `wrangler.toml`.
pub struct Limiter {
    pub binding: &'static str,
    pub per_minute: u32,
}

#[wasm_bindgen]
extern "C" {
    type RateLimiter;

    #[wasm_bindgen(method, catch)]
    fn limit(this: &RateLimiter, options: &Object) -> std::result::Result<Promise, JsValue>;
}

/// Whether `client` may send another request, with a limit of `per_minute`. The limiters are sorted from the largest to
/// one that allows a single request.
///
/// # Errors
/// If a binding is missing or does not answer.
pub async fn allows(env: &Env, limiters: &[Limiter], client: &str, per_minute: u32) -> Result<bool> {
    let mut left = per_minute;
    for Limiter { binding, per_minute } in limiters {
        let keys = left / per_minute;
        left %= per_minute;
        if keys == 0 {
            continue;
        }
        let limiter: RateLimiter = bound(env, binding)?;
        // A random first key, so that clients far from the limit need only one call.
        let first = clock::random().map_or(0, u32::from_be_bytes) % keys;
        for key in (0..keys).map(|key| first.wrapping_add(key) % keys) {
            if is_allowed(&limiter, &format!("{client} {key}")).await? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

async fn is_allowed(limiter: &RateLimiter, key: &str) -> Result<bool> {
    let options = Object::new();
    Reflect::set(&options, &"key".into(), &key.into())?;
    let outcome = settled(&limiter.limit(&options)?).await?;
    Ok(Reflect::get(&outcome, &"success".into())?.is_truthy())
}
