//! The domain: videos, the requests for them, and their lifecycle. Pure: it performs no I/O and knows neither Wiro's
//! wire format nor the platform.

pub mod access;
pub mod delivery;
pub mod feed;
pub mod file;
pub mod id;
pub mod lifecycle;
pub mod links;
pub mod model;
pub mod money;
pub mod progress;
pub mod queue;
pub mod record;
pub mod request;
pub mod task;
pub mod time;
pub mod typical_duration;
