//! A timeout for futures.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use thiserror::Error;

use super::promise::Sleep;

#[derive(Debug, Error)]
#[error("nothing happened for {} s", .0.as_secs())]
pub struct TimedOut(pub Duration);

impl From<TimedOut> for worker::Error {
    fn from(error: TimedOut) -> Self {
        Self::RustError(error.to_string())
    }
}

/// Awaits `work`. If it takes longer than `limit`, it is dropped.
///
/// # Errors
/// [`TimedOut`].
pub async fn with_timeout<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, TimedOut> {
    match select(pin!(work), pin!(Sleep::new(limit))).await {
        Either::Left((result, _)) => Ok(result),
        Either::Right(_) => Err(TimedOut(limit)),
    }
}
