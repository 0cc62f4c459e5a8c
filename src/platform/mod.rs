//! The only code that touches the Workers runtime: settings, clock, storage, network, streams.

pub mod chunk;
pub mod clock;
pub mod config;
pub mod copy;
pub mod digest;
pub mod form_reader;
pub mod log;
pub mod network;
pub mod records;
pub mod streams;
pub mod task_object;
pub mod tasks;
pub mod upload;
pub mod upstream;
pub mod videos;
pub mod wiro_client;
