//! The public name of a video: `vid_` and 40 characters of lowercase base32 that hold 128 random bits
//! and 72 bits of proof. A made-up id, and one of somebody else, is therefore recognised without asking any
//! storage.

use std::fmt;

use serde::{Deserialize, Serialize};

pub(super) const ID_PREFIX: &str = "vid_";

/// Random bits of an id, in bytes.
pub const RANDOM_BYTES: usize = 16;

/// Random bits and proof together: 25 bytes fill 40 base32 characters exactly, so every id has one
/// spelling.
pub(super) const ID_BYTES: usize = 25;

/// Characters behind the prefix.
const ID_CHARS: usize = 40;

/// An id whose proof was checked, or that was minted here. Strangers' text becomes one only through
/// [`SigningKeys::verify_id`](super::access::keys::SigningKeys::verify_id).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct VideoId(String);

impl VideoId {
    pub(super) fn from_proven(text: String) -> Self {
        Self(text)
    }

    /// Text in the shape of an id, for an operator, who needs no proof: there may be no such video.
    #[must_use]
    pub fn unproven(text: &str) -> Option<Self> {
        let is_one = text.strip_prefix(ID_PREFIX).is_some_and(|rest| {
            rest.len() == ID_CHARS && rest.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
        });
        is_one.then(|| Self(text.to_owned()))
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
