//! Signed calls to Wiro, each with a time limit.

pub mod client;
pub mod shared_call;
