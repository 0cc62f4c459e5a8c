//! Wiro's wire format: signing and writing of requests, parsing of responses. Pure: it performs no I/O and knows
//! neither the domain nor the platform.

pub mod callback;
pub mod envelope;
pub mod files;
pub mod form;
pub mod hosts;
pub mod http_response;
pub mod model;
pub mod price;
pub mod run;
pub mod run_answer;
pub mod search;
pub mod sign;
pub mod socket;
pub mod task;
pub mod text;
