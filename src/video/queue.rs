//! When jobs may start at the upstream: not while it turns them away or does not answer.

pub mod circuit_breaker;
pub mod hold;
