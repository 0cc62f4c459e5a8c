//! The public id of a video: `vid_` and 40 characters of lowercase base32, which contain 128 random bits and 72 bits of
//! proof. The proof shows, without reading storage, whether an id was created here for a certain owner.

use std::fmt;

use serde::{Deserialize, Serialize};

pub(super) const ID_PREFIX: &str = "vid_";

/// Random bits of an id, in bytes.
pub const RANDOM_BYTES: usize = 16;

/// Random bits and proof. 25 bytes are exactly 40 base32 characters, so each id has only one spelling.
pub(super) const ID_BYTES: usize = 25;

/// Characters after the prefix.
const ID_CHARS: usize = 40;

/// A verified id. Text from a client is converted only by
/// [`SigningKeys::verify_id`](super::access::keys::SigningKeys::verify_id).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct VideoId(String);

impl VideoId {
    pub(super) fn from_proven(text: String) -> Self {
        Self(text)
    }

    /// Parses an id without verifying its proof, for the operator. The video may not exist.
    #[must_use]
    pub fn unproven(text: &str) -> Option<Self> {
        let is_one = text.strip_prefix(ID_PREFIX).is_some_and(|rest| {
            rest.len() == ID_CHARS && rest.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
        });
        is_one.then(|| Self(text.to_owned()))
    }

    /// An id from our storage, which was verified before.
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
