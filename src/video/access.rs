//! Who may do what: clients and their tokens, whose a video is, and the keys that prove it.

pub mod bearer;
pub mod clients;
pub mod keys;
pub mod owner;
pub mod webhook_key;
