//! What the dispatcher is asked about the files that clients have uploaded to Wiro. A file is named by the SHA-256 of its
//! URL, in hex.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadMessage {
    /// Wiro stored a file → `Ack`
    Stored { url_sha256: String, wiro_id: String },
    /// Wiro deleted files → `Ack`
    Deleted(Vec<String>),
    /// Whether the client has uploaded all these files → `AreOwn`
    AreOwn(Vec<String>),
    /// Wiro's ids of the files that are not known to be deleted → `List`
    List,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadReply {
    Ack,
    AreOwn(bool),
    List(Vec<String>),
}

#[must_use]
pub fn hash_of_url(url: &str) -> String {
    hex::encode(Sha256::digest(url))
}
