//! The `Dispatcher` object, one for the whole deployment: queue, budget, owners' lists and Wiro's models; and the
//! sweep that the cron trigger starts.

pub mod object;
pub mod sweep;

mod accounts;
mod clients;
mod health;
mod job_claims;
mod model_catalog;
mod operator_messages;
mod owned_videos;
mod queue;
mod spending;
mod submit_attempts;
mod typical_durations;
mod upload_folder;
mod uploads;
mod usage;
