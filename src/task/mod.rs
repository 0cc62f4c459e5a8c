//! The `VideoTask` object, one for each video: its storage, its messages, and the effects that its alarm performs.

pub mod object;

mod copy;
mod effects;
mod live_updates;
mod log_lines;
mod queue_position;
mod search;
mod socket;
mod store;
mod subscribers;
mod thumbnail;
mod upstream;
mod verify;
mod waiters;
mod webhook;
