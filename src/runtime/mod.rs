//! The bridge to JavaScript: promises, streams, requests, responses, clock, log and bindings. It does not depend on videos.

pub mod binding;
pub mod buffer;
pub mod chunk;
pub mod clock;
pub mod demand_stream;
pub mod digest;
pub mod executor;
pub mod fetch;
pub mod http;
pub mod join;
pub mod log;
pub mod promise;
pub mod rate_limit;
pub mod streams;
pub mod timeout;
pub mod url;
pub mod values;
