//! The domain: what a video is, what may be asked of it and how it moves. Pure; it performs nothing
//! and knows neither the upstream's wire format nor the platform.

pub mod bearer;
pub mod budget;
pub mod chores;
pub mod circuit_breaker;
pub mod clients;
pub mod delivery;
pub mod event;
pub mod feed;
pub mod file;
pub mod hold;
pub mod id;
pub mod image_url;
pub mod json_fields;
pub mod keys;
pub mod ledger;
pub mod lifecycle;
pub mod listing;
pub mod model;
pub mod money;
pub mod mp4;
pub mod output_hosts;
pub mod owner;
pub mod pace;
pub mod progress;
pub mod public_host;
pub mod record;
pub mod record_text;
pub mod request;
pub mod schedule;
pub mod search;
pub mod task;
pub mod time;
pub mod tombstone;
pub mod url;
pub mod webhook_key;
