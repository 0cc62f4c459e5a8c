//! When jobs may start at the upstream: not while it turns them away or does not answer.

pub mod capacity_backoff;
pub mod circuit_breaker;
