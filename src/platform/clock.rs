//! The only reader of the clock and of randomness.

use worker::Date;

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

/// Random bytes of the runtime's cryptographic generator.
///
/// # Errors
/// When the runtime has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
