//! The domain: videos, the requests for them, and their lifecycle. It performs no I/O and does not depend on
//! Wiro's wire format or on the platform.

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
pub mod usage;
