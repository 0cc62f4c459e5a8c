//! Reads the settings from the Worker's bindings. A secret of the account's Secrets Store is an object with an
//! asynchronous `get()`: it is read before the settings are.

use std::cell::RefCell;
use std::time::Duration;

use worker::Env;
use worker::js_sys::{Array, Function, JSON, Object, Promise, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};

use super::setting_text::{Found, Unusable, text_of};
use super::settings::names;
use crate::runtime::join::all;
use crate::runtime::promise::settled;
use crate::runtime::timeout::with_timeout;

/// Limit on reading a secret. The next request tries again.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

thread_local! {
    /// The secrets that were read from the store, by setting.
    static SECRETS: RefCell<Vec<(&'static str, String)>> = const { RefCell::new(Vec::new()) };
}

/// Reads the secrets of the store that were not read yet. A failed one is read again next time.
pub async fn read_secrets(env: &Env) {
    let is_known =
        |name: &str| SECRETS.with_borrow(|secrets| secrets.iter().any(|(known, _)| *known == name));
    let unread = names().filter(|name| !is_known(name)).filter_map(|name| {
        let bound = get(env.as_ref(), name).ok()?;
        let getter = getter_of(&bound)?;
        Some(async move { Some((name, read_secret(&bound, &getter).await?)) })
    });
    let read = all(unread.collect::<Vec<_>>()).await;
    SECRETS.with_borrow_mut(|secrets| secrets.extend(read.into_iter().flatten()));
}

/// Drops the secrets after the settings were cached.
pub fn forget_secrets() {
    SECRETS.take();
}

/// The setting with this name.
///
/// # Errors
/// [`Unusable`] if it is present but not text.
pub fn lookup(env: &Env, name: &str) -> Found {
    let bound = get(env.as_ref(), name)?;
    if getter_of(&bound).is_some() {
        let known = SECRETS.with_borrow(|secrets| {
            secrets.iter().find(|(known, _)| *known == name).map(|(_, secret)| secret.clone())
        });
        return known.map(Some).ok_or(Unusable::Secret);
    }
    let is_plain =
        bound.is_string() || bound.as_bool().is_some() || bound.as_f64().is_some_and(f64::is_finite);
    if bound.is_undefined() || bound.is_null() {
        return Ok(None);
    }
    if !is_plain && !is_data(&bound) {
        return Err(Unusable::Kind);
    }
    let json = JSON::stringify(&bound).ok().and_then(|json| json.as_string()).ok_or(Unusable::Kind)?;
    text_of(name, serde_json::from_str(&json).map_err(|_| Unusable::Kind)?)
}

async fn read_secret(bound: &JsValue, getter: &Function) -> Option<String> {
    let promise = Promise::resolve(&getter.call0(bound).ok()?);
    let secret = with_timeout(STORE_TIMEOUT, settled(&promise)).await.ok()?.ok()?.as_string()?;
    // A bound secret must not be empty.
    (!secret.trim().is_empty()).then_some(secret)
}

fn get(object: &JsValue, name: &str) -> Result<JsValue, Unusable> {
    Reflect::get(object, &JsValue::from_str(name)).map_err(|_| Unusable::Kind)
}

/// A table may have a member `get` that is no function.
fn getter_of(bound: &JsValue) -> Option<Function> {
    if bound.is_object() { get(bound, "get").ok()?.dyn_into().ok() } else { None }
}

/// Whether the value is a plain array or object.
fn is_data(bound: &JsValue) -> bool {
    if Array::is_array(bound) {
        return true;
    }
    let Some(object) = bound.dyn_ref::<Object>().filter(|_| bound.is_object()) else { return false };
    let prototype = JsValue::from(Object::get_prototype_of(object));
    prototype.is_null() || Object::is(&prototype, &Object::get_prototype_of(&Object::new()))
}
