//! The clock and random numbers. Nothing else reads them.

use worker::js_sys::{Date, Math};
use worker::wasm_bindgen::JsValue;

use crate::runtime::values::time_from_js;
use crate::video::time::{Tick, UnixMillis};

#[must_use]
#[expect(clippy::disallowed_methods, reason = "only this function may call it")]
pub fn now() -> UnixMillis {
    time_from_js(Date::now())
}

/// The current time, with a random number that spreads retries.
#[must_use]
pub fn tick() -> Tick {
    Tick { now: now(), jitter: jitter() }
}

/// Formats unix seconds as RFC 3339 in UTC.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    let millis = f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)) * 1000.0;
    Date::new(&JsValue::from_f64(millis)).to_iso_string().into()
}

/// A random number that may be predictable.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it saturates")]
#[expect(clippy::cast_sign_loss, reason = "it is never negative")]
fn jitter() -> u16 {
    (Math::random() * 65_536.0) as u16
}

/// Random bytes from the runtime's cryptographic generator.
///
/// # Errors
/// If the generator fails.
pub fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
