//! The bindings in `wrangler.toml`: storage, objects and rate limiters.

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use worker::{Env, Error, Result};

/// Fails if there is no binding with this name.
pub fn bound<T: JsCast>(env: &Env, name: &str) -> Result<T> {
    let binding = Reflect::get(env.as_ref(), &name.into())?;
    if binding.is_object() {
        Ok(binding.unchecked_into())
    } else {
        Err(Error::from(format!("there is no binding {name}")))
    }
}
