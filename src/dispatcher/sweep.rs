//! The cron trigger: it resumes videos whose alarm was lost, and removes expired ones that did not remove themselves.

pub mod ended_videos;
mod leftovers;
mod reconcile;

use worker::Env;

use self::leftovers::remove_leftovers;
use crate::calls::dispatcher::DispatcherClient;
use crate::calls::objects::CallError;
use crate::runtime::log::{self, Level};
use crate::video::time::UnixMillis;

/// Sweeps as of the scheduled time, in unix milliseconds.
pub async fn sweep(scheduled_ms: f64, env: &Env) {
    if let Err(error) = try_sweep(scheduled_ms, env).await {
        log::write(Level::Error, "the sweep failed", [("error", error.to_string().into())]);
    }
}

async fn try_sweep(scheduled_ms: f64, env: &Env) -> Result<(), CallError> {
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "an instant; it saturates")]
    let as_of = UnixMillis::new(scheduled_ms as i64);
    let swept = DispatcherClient::new(env)?.sweep(as_of).await;
    if let Err(error) = remove_leftovers(env, as_of).await {
        log::write(Level::Error, "removing leftovers from R2 failed", [("error", error.to_string().into())]);
    }
    swept
}
