//! Storage: KV, R2 and a Durable Object's own storage; on top of them records, videos and descriptions of models.

pub(crate) mod analytics;
pub(crate) mod kv;
pub(crate) mod media;
pub mod models;
pub(crate) mod object_storage;
pub(crate) mod r2;
pub(crate) mod records;
pub(crate) mod upload;
pub(crate) mod videos;
