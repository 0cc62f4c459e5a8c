//! Grants: each lets whoever has it in a link read one thing of one video for a while, without its owner's token. A grant for
//! one thing does not open the other: a link that plays a video must not show its prompt.

use std::fmt;

use base32ct::{Base32Unpadded, Encoding};
use hmac::digest::InvalidLength;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::video::id::VideoId;
use crate::video::time::UnixMillis;

type HmacSha256 = Hmac<Sha256>;

/// Bytes of a grant: when it ends, as 32 bits of unix seconds, and 128 bits of proof.
const GRANT_BYTES: usize = 20;
const TIME_BYTES: usize = 4;

/// A grant is good for six hours, and for the rest of the six hours in which it was made, counted from the making of the
/// video: whoever reads a Video again, for hours, reads the same link.
const GRANT_SECONDS: i64 = 6 * 3600;

/// The grants in the links of one Video. They end together.
#[derive(Clone, PartialEq, Eq)]
pub struct Grants {
    /// Plays the video.
    pub content: String,
    /// Watches it. The Videos in its events hold grants that end with this one, so that it cannot be renewed.
    pub events: String,
}

/// The keys that grants are signed with.
#[derive(Clone)]
pub(super) struct GrantKeys {
    content: HmacSha256,
    events: HmacSha256,
}

impl GrantKeys {
    /// `subkey` derives the key for a purpose.
    pub(super) fn derive(
        subkey: impl Fn(&str) -> Result<HmacSha256, InvalidLength>,
    ) -> Result<Self, InvalidLength> {
        Ok(Self {
            content: subkey("hailuo-worker/v1/playback-grant")?,
            events: subkey("hailuo-worker/v1/events-grant")?,
        })
    }

    /// The grants that end at this time.
    pub(super) fn until(&self, id: &VideoId, ends_at: EndsAt) -> Grants {
        let [content, events] = [&self.content, &self.events].map(|key| {
            let mac = key.clone().chain_update(ends_at.0).chain_update(id.as_str()).finalize().into_bytes();
            let bytes: Vec<u8> = ends_at.0.into_iter().chain(mac).take(GRANT_BYTES).collect();
            Base32Unpadded::encode_string(&bytes)
        });
        Grants { content, events }
    }

    /// When this grant to play the video ends, if it is valid; compared in constant time.
    pub(super) fn verify_content(&self, id: &str, grant: &str, now: UnixMillis) -> Option<EndsAt> {
        verify(&self.content, id, grant, now)
    }

    /// The same of one to watch it.
    pub(super) fn verify_events(&self, id: &str, grant: &str, now: UnixMillis) -> Option<EndsAt> {
        verify(&self.events, id, grant, now)
    }
}

/// Unix seconds, big-endian.
#[derive(Clone, Copy)]
pub(super) struct EndsAt([u8; TIME_BYTES]);

impl EndsAt {
    /// Of grants for a video that was made at `created_at`, in unix seconds.
    pub(super) fn of(created_at: i64, now: UnixMillis) -> Option<Self> {
        let age = now.seconds().saturating_sub(created_at).max(0);
        let periods = (age / GRANT_SECONDS).saturating_add(2);
        let ends_at = created_at.saturating_add(periods.saturating_mul(GRANT_SECONDS));
        Some(Self(u32::try_from(ends_at).ok()?.to_be_bytes()))
    }
}

fn verify(key: &HmacSha256, id: &str, grant: &str, now: UnixMillis) -> Option<EndsAt> {
    let bytes = Base32Unpadded::decode_vec(grant).ok()?;
    let (ends_at, proof) = bytes.split_first_chunk::<TIME_BYTES>()?;
    if bytes.len() != GRANT_BYTES {
        return None;
    }
    key.clone().chain_update(ends_at).chain_update(id).verify_truncated_left(proof).ok()?;
    (now.seconds() < i64::from(u32::from_be_bytes(*ends_at))).then_some(EndsAt(*ends_at))
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grants(redacted)")
    }
}
