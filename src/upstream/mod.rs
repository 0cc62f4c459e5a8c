//! Calls to Wiro: signed, each with a limit on its time.

pub mod client;
pub mod shared_call;
