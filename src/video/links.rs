//! URLs from clients and from Wiro, and which of them may be fetched.

pub mod image_url;
pub mod output_hosts;
pub mod public_host;
pub mod url;
