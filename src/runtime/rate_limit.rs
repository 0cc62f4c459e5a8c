//! The platform's rate limiters. A binding allows a number that is fixed when it is deployed; several keys of
//! several bindings together allow any number.

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, Result};

use super::binding::bound;
use super::clock;
use super::promise::settled;

/// What a limiter allows a key within a minute, as `wrangler.toml` says.
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

/// Whether `client` may come once more, who may come so often within a minute. The limiters are given from the
/// largest to one that allows one.
///
/// # Errors
/// When a binding is missing or does not answer.
pub async fn allows(env: &Env, limiters: &[Limiter], client: &str, per_minute: u32) -> Result<bool> {
    let mut left = per_minute;
    for Limiter { binding, per_minute } in limiters {
        let keys = left / per_minute;
        left %= per_minute;
        if keys == 0 {
            continue;
        }
        let limiter: RateLimiter = bound(env, binding)?;
        // Whoever is far from the limit finds room under the first key that is tried.
        let first = clock::random().map_or(0, u32::from_be_bytes) % keys;
        for key in (0..keys).map(|key| first.wrapping_add(key) % keys) {
            if has_room(&limiter, &format!("{client} {key}")).await? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

async fn has_room(limiter: &RateLimiter, key: &str) -> Result<bool> {
    let options = Object::new();
    Reflect::set(&options, &"key".into(), &key.into())?;
    let outcome = settled(&limiter.limit(&options)?).await?;
    Ok(Reflect::get(&outcome, &"success".into())?.is_truthy())
}
