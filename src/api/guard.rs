//! Checks before a request is handled: origin, rate limits, Turnstile challenge.

pub mod challenge;
pub mod clients;
pub mod cross_origin;
pub mod limits;
mod siteverify;
