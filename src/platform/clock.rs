//! The only reader of the clock and of randomness.

use worker::Date;
use worker::js_sys;
use worker::wasm_bindgen::JsValue;

use crate::video::time::{Moment, UnixMillis};

#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> UnixMillis {
    UnixMillis::new(i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX))
}

/// The present, with a random number for whoever spreads retries.
#[must_use]
pub fn moment() -> Moment {
    // Without randomness retries are still made, only less spread.
    let chance = u16::from_be_bytes(random().unwrap_or_default());
    Moment { now: now(), chance }
}

/// Unix seconds as RFC 3339 writes a time, in UTC.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    let millis = f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)) * 1000.0;
    js_sys::Date::new(&JsValue::from_f64(millis)).to_iso_string().into()
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
