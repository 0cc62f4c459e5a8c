//! The only code that touches the Workers runtime: settings, clock, storage, network, streams.

pub mod chunk;
pub mod clock;
pub mod config;
pub mod copy;
pub mod digest;
pub(crate) mod dispatcher;
pub mod dispatcher_object;
pub mod form_reader;
pub mod log;
pub mod network;
mod object_call;
mod object_storage;
mod patience;
pub mod records;
pub mod streams;
pub mod sweep;
pub mod task_object;
mod task_state;
mod task_work;
pub mod tasks;
pub mod upload;
pub mod upstream;
pub mod url;
pub mod videos;
mod waiting_line;
pub mod wiro_client;
