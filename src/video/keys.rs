//! Everything that `SIGNING_KEY` signs. Each use derives its own subkey, so that no proof can stand
//! in for another.

use std::fmt;

use base32ct::{Base32Unpadded, Encoding};
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::id::{ID_BYTES, ID_PREFIX, RANDOM_BYTES, VideoId};

type HmacSha256 = Hmac<Sha256>;

/// Shortest `SIGNING_KEY` that is accepted: as many bytes as the MAC has.
pub const MIN_SIGNING_KEY_BYTES: usize = 32;

/// Bytes of a callback proof: 160 bits, 32 characters of base32.
const CALLBACK_PROOF_BYTES: usize = 20;

/// Bytes of a file's id: 160 bits, 32 characters of base32.
const FILE_ID_BYTES: usize = 20;

/// The keyed MACs, ready to use: the key schedule is paid once.
#[derive(Clone)]
pub struct SigningKeys {
    video_id: HmacSha256,
    callback: HmacSha256,
    idempotency: HmacSha256,
    file_id: HmacSha256,
}

impl SigningKeys {
    /// Derives the subkeys from `SIGNING_KEY`.
    ///
    /// # Errors
    /// When the key is shorter than [`MIN_SIGNING_KEY_BYTES`].
    pub fn derive(signing_key: &[u8]) -> Result<Self, InvalidLength> {
        if signing_key.len() < MIN_SIGNING_KEY_BYTES {
            return Err(InvalidLength);
        }
        let master = HmacSha256::new_from_slice(signing_key)?;
        let subkey = |purpose: &str| {
            let key = master.clone().chain_update(purpose).finalize().into_bytes();
            HmacSha256::new_from_slice(&key)
        };
        Ok(Self {
            video_id: subkey("hailuo-worker/v1/video-id")?,
            callback: subkey("hailuo-worker/v1/wiro-callback")?,
            idempotency: subkey("hailuo-worker/v1/idempotency-key")?,
            file_id: subkey("hailuo-worker/v1/file-id")?,
        })
    }

    /// The id that carries these random bits and the proof that we made it.
    #[must_use]
    pub fn mint(&self, random: [u8; RANDOM_BYTES]) -> VideoId {
        let mut bytes = [0_u8; ID_BYTES];
        let (random_part, proof_part) = bytes.split_at_mut(RANDOM_BYTES);
        random_part.copy_from_slice(&random);
        let proof = self.video_id.clone().chain_update(random).finalize().into_bytes();
        for (to, from) in proof_part.iter_mut().zip(proof) {
            *to = from;
        }
        VideoId::from_proven(format!("{ID_PREFIX}{}", Base32Unpadded::encode_string(&bytes)))
    }

    /// The id that belongs to an `Idempotency-Key`: the same key of the same owner always names the same
    /// video, and nobody can tell the id without our key.
    #[must_use]
    pub fn mint_for(&self, owner: &str, idempotency_key: &str) -> VideoId {
        // No owner's name holds NUL, so no two pairs look alike.
        let named = self.idempotency.clone().chain_update(owner).chain_update([0]);
        let mac = named.chain_update(idempotency_key).finalize().into_bytes();
        let mut random = [0; RANDOM_BYTES];
        for (to, from) in random.iter_mut().zip(mac) {
            *to = from;
        }
        self.mint(random)
    }

    /// The id in `text`, if this key minted it. Costs one HMAC and touches no storage.
    #[must_use]
    pub fn verify_id(&self, text: &str) -> Option<VideoId> {
        let bytes = Base32Unpadded::decode_vec(text.strip_prefix(ID_PREFIX)?).ok()?;
        let (random, proof) = bytes.split_at_checked(RANDOM_BYTES)?;
        if bytes.len() != ID_BYTES {
            return None;
        }
        let mac = self.video_id.clone().chain_update(random);
        mac.verify_truncated_left(proof).ok()?;
        Some(VideoId::from_proven(text.to_owned()))
    }

    /// Our own name for an uploaded file: Wiro's stays inside.
    #[must_use]
    pub fn file_id(&self, url: &str) -> String {
        let mac = self.file_id.clone().chain_update(url).finalize().into_bytes();
        let short = mac.get(..FILE_ID_BYTES).unwrap_or(&mac);
        format!("file_{}", Base32Unpadded::encode_string(short))
    }

    /// The secret part of the URL that Wiro calls back for this video.
    #[must_use]
    pub fn callback_proof(&self, id: &VideoId) -> String {
        let mac = self.callback.clone().chain_update(id.as_str()).finalize().into_bytes();
        Base32Unpadded::encode_string(mac.get(..CALLBACK_PROOF_BYTES).unwrap_or(&mac))
    }

    /// Whether `proof` is this video's callback proof; compared in constant time.
    #[must_use]
    pub fn verify_callback_proof(&self, id: &VideoId, proof: &str) -> bool {
        Base32Unpadded::decode_vec(proof).is_ok_and(|bytes| {
            bytes.len() == CALLBACK_PROOF_BYTES
                && self.callback.clone().chain_update(id.as_str()).verify_truncated_left(&bytes).is_ok()
        })
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(seed: &[u8]) -> SigningKeys {
        SigningKeys::derive(&seed.repeat(MIN_SIGNING_KEY_BYTES)).unwrap()
    }

    #[test]
    fn a_short_key_is_refused() {
        assert!(SigningKeys::derive(&[7; MIN_SIGNING_KEY_BYTES - 1]).is_err());
        assert!(SigningKeys::derive(&[7; MIN_SIGNING_KEY_BYTES]).is_ok());
    }

    /// Computed with another implementation of HMAC.
    #[test]
    fn ids_and_proofs_are_pinned() {
        let keys = keys(b"k");
        let id = keys.mint([1; RANDOM_BYTES]);
        assert_eq!(id.as_str(), "vid_aeaqcaibaeaqcaibaeaqcaibafokkim4bg2ky6ic");
        assert_eq!(keys.callback_proof(&id), "cejhnhcmog4r7dkvewubh2v2ik5vyilf");
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", keys(b"k")), "SigningKeys(redacted)");
    }

    proptest! {
        #[test]
        fn own_ids_verify_and_strangers_do_not(random in any::<[u8; RANDOM_BYTES]>()) {
            let (ours, theirs) = (keys(b"a"), keys(b"b"));
            let id = ours.mint(random);
            prop_assert_eq!(ours.verify_id(id.as_str()), Some(id.clone()));
            prop_assert_eq!(theirs.verify_id(id.as_str()), None);
            let proof = ours.callback_proof(&id);
            prop_assert!(ours.verify_callback_proof(&id, &proof));
            prop_assert!(!theirs.verify_callback_proof(&id, &proof));
        }

        #[test]
        fn a_key_names_one_video_of_its_owner(owner in "[a-z]{0,8}", key in "[!-~]{1,20}", other in "[!-~]{1,20}") {
            let keys = keys(b"a");
            let id = keys.mint_for(&owner, &key);
            prop_assert_eq!(keys.verify_id(id.as_str()), Some(id.clone()));
            prop_assert_eq!(keys.mint_for(&owner, &key), id.clone());
            prop_assert_eq!(keys.mint_for(&owner, &other) == id, key == other);
            prop_assert_ne!(keys.mint_for(&format!("{owner}x"), &key), id);
        }

        #[test]
        fn one_changed_character_is_refused(
            random in any::<[u8; RANDOM_BYTES]>(),
            at in ID_PREFIX.len()..ID_PREFIX.len() + 40,
            by in 1_u8..255,
        ) {
            let keys = keys(b"a");
            let mut bytes = keys.mint(random).as_str().as_bytes().to_vec();
            bytes[at] = bytes[at].wrapping_add(by);
            let altered = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert_eq!(keys.verify_id(&altered), None);
        }

        #[test]
        fn any_text_is_survived(text in ".{0,80}") {
            let keys = keys(b"a");
            prop_assert_eq!(keys.verify_id(&text), None);
            let id = keys.mint([0; RANDOM_BYTES]);
            prop_assert!(!keys.verify_callback_proof(&id, &text));
        }
    }
}
