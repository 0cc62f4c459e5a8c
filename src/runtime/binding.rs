//! What `wrangler.toml` binds to the Worker: its storage, its objects, its limiters.

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use worker::{Env, Error, Result};

/// Fails when there is none of that name.
pub fn bound<T: JsCast>(env: &Env, name: &str) -> Result<T> {
    let binding = Reflect::get(env.as_ref(), &name.into())?;
    if binding.is_object() {
        Ok(binding.unchecked_into())
    } else {
        Err(Error::from(format!("there is no binding {name}")))
    }
}
