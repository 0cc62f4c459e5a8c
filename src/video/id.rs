//! The public name of a video: `vid_` and 40 characters of lowercase base32 that hold 128 random bits
//! and 72 bits of proof. A made-up id is therefore recognised without asking any storage.

use std::fmt;

use serde::{Deserialize, Serialize};

pub(super) const ID_PREFIX: &str = "vid_";

/// Random bits of an id, in bytes.
pub const RANDOM_BYTES: usize = 16;

/// Random bits and proof together: 25 bytes fill 40 base32 characters exactly, so every id has one
/// spelling.
pub(super) const ID_BYTES: usize = 25;

/// An id whose proof was checked, or that was minted here. Strangers' text becomes one only through
/// [`SigningKeys::verify_id`](super::keys::SigningKeys::verify_id).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VideoId(String);

impl VideoId {
    pub(super) fn from_proven(text: String) -> Self {
        Self(text)
    }

    /// An id that we stored: it was proven before.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VideoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
