//! When jobs may start at Wiro: not while it is at capacity or does not answer.

pub mod capacity_backoff;
pub mod circuit_breaker;
pub mod fair_line;
