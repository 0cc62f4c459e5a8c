//! The only reader of the clock and of randomness.

use worker::js_sys::{Date, Math};
use worker::wasm_bindgen::JsValue;

use crate::runtime::values::time_from_js;
use crate::video::time::{Tick, UnixMillis};

#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> UnixMillis {
    time_from_js(Date::now())
}

/// The present, with a random number for whoever spreads retries.
#[must_use]
pub fn tick() -> Tick {
    Tick { now: now(), jitter: jitter() }
}

/// Unix seconds as RFC 3339 writes a time, in UTC.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    let millis = f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)) * 1000.0;
    Date::new(&JsValue::from_f64(millis)).to_iso_string().into()
}

/// A number that need not be hard to guess.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it saturates")]
#[expect(clippy::cast_sign_loss, reason = "it is none below nothing")]
fn jitter() -> u16 {
    (Math::random() * 65_536.0) as u16
}

/// Random bytes of the runtime's cryptographic generator.
///
/// # Errors
/// When the runtime has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
