//! The `Dispatcher` object, one for the whole deployment: the queue, the budget, whose each video is, what Wiro tells of its
//! models; and the sweep that the cron trigger starts.

pub mod object;
pub mod sweep;

mod circuit_breaker;
mod durations;
mod job_claims;
mod leftovers;
mod model_catalog;
mod owned_videos;
mod queue;
mod spending;
mod submit_attempts;
mod upload_folder;
