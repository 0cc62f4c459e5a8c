//! Everything that `SIGNING_KEY` signs. Each use has its own subkey, so a signature for one use is invalid for
//! another.

use std::fmt;

use base32ct::{Base32Unpadded, Encoding};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::grants::{EndsAt, GrantKeys, Grants};
use super::owner::Owner;
use crate::video::id::{ID_BYTES, ID_PREFIX, RANDOM_BYTES, VideoId};
use crate::video::time::UnixMillis;

type HmacSha256 = Hmac<Sha256>;

/// The minimum length of `SIGNING_KEY`, which is the length of the MAC.
pub const MIN_SIGNING_KEY_BYTES: usize = 32;

/// Bytes of a callback proof: 160 bits, 32 characters of base32.
const CALLBACK_PROOF_BYTES: usize = 20;

/// The prefix of a file's id.
const FILE_ID_PREFIX: &str = "file_";
/// Bytes of the proof in a file's id: 128 bits. The URL of the file follows it.
const FILE_PROOF_BYTES: usize = 16;

/// The keyed MACs. Deriving them is expensive, so it happens once.
#[derive(Clone)]
pub struct SigningKeys {
    video_id: HmacSha256,
    callback: HmacSha256,
    idempotency: HmacSha256,
    file_id: HmacSha256,
    grants: GrantKeys,
    /// The previous key, whose signatures stay valid.
    previous: Option<Box<Self>>,
}

impl SigningKeys {
    /// Derives the subkeys from `SIGNING_KEY`.
    ///
    /// # Errors
    /// If the key is shorter than [`MIN_SIGNING_KEY_BYTES`].
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
            grants: GrantKeys::derive(subkey)?,
            previous: None,
        })
    }

    /// Signs with these keys and also accepts signatures of the `previous` ones.
    #[must_use]
    pub fn instead_of(self, previous: Option<Self>) -> Self {
        Self { previous: previous.map(Box::new), ..self }
    }

    /// Creates the id with these random bits and a MAC for this owner.
    #[must_use]
    pub fn mint(&self, owner: &Owner, random: [u8; RANDOM_BYTES]) -> VideoId {
        let mut bytes = [0_u8; ID_BYTES];
        let (random_part, proof_part) = bytes.split_at_mut(RANDOM_BYTES);
        random_part.copy_from_slice(&random);
        let mac = self.video_id.clone().chain_update(random).chain_update(owner.as_str());
        for (to, from) in proof_part.iter_mut().zip(mac.finalize().into_bytes()) {
            *to = from;
        }
        VideoId::from_proven(format!("{ID_PREFIX}{}", Base32Unpadded::encode_string(&bytes)))
    }

    /// The id for an `Idempotency-Key`: the same key of the same owner always gives the same id, which nobody can
    /// compute without our key.
    #[must_use]
    pub fn mint_for(&self, owner: &Owner, idempotency_key: &str) -> VideoId {
        // No owner's name contains NUL, so two pairs never collide.
        let named = self.idempotency.clone().chain_update(owner.as_str()).chain_update([0]);
        let mac = named.chain_update(idempotency_key).finalize().into_bytes();
        let mut random = [0; RANDOM_BYTES];
        for (to, from) in random.iter_mut().zip(mac) {
            *to = from;
        }
        self.mint(owner, random)
    }

    /// The id in `text`, if it was created for this owner. Costs one HMAC and touches no storage.
    #[must_use]
    pub fn verify_id(&self, owner: &Owner, text: &str) -> Option<VideoId> {
        let previous = || self.previous.as_ref()?.verify_id(owner, text);
        self.own_id(owner, text).or_else(previous)
    }

    fn own_id(&self, owner: &Owner, text: &str) -> Option<VideoId> {
        let bytes = Base32Unpadded::decode_vec(text.strip_prefix(ID_PREFIX)?).ok()?;
        let (random, proof) = bytes.split_at_checked(RANDOM_BYTES)?;
        if bytes.len() != ID_BYTES {
            return None;
        }
        let mac = self.video_id.clone().chain_update(random).chain_update(owner.as_str());
        mac.verify_truncated_left(proof).ok()?;
        Some(VideoId::from_proven(text.to_owned()))
    }

    /// The id of an uploaded file. It contains the URL and the proof that this owner uploaded it, so nothing is stored.
    #[must_use]
    pub fn file_id(&self, owner: &Owner, url: &str) -> String {
        let mac = self.file_mac(owner, url).finalize().into_bytes();
        let bytes: Vec<u8> = mac.into_iter().take(FILE_PROOF_BYTES).chain(url.bytes()).collect();
        format!("{FILE_ID_PREFIX}{}", Base64UrlUnpadded::encode_string(&bytes))
    }

    /// The URL in a file's id, if this owner uploaded the file; compared in constant time.
    #[must_use]
    pub fn file_url(&self, owner: &Owner, id: &str) -> Option<String> {
        let previous = || self.previous.as_ref()?.file_url(owner, id);
        self.own_file_url(owner, id).or_else(previous)
    }

    fn own_file_url(&self, owner: &Owner, id: &str) -> Option<String> {
        let bytes = Base64UrlUnpadded::decode_vec(id.strip_prefix(FILE_ID_PREFIX)?).ok()?;
        let (proof, url) = bytes.split_at_checked(FILE_PROOF_BYTES)?;
        let url = std::str::from_utf8(url).ok()?;
        self.file_mac(owner, url).verify_truncated_left(proof).ok()?;
        Some(url.to_owned())
    }

    fn file_mac(&self, owner: &Owner, url: &str) -> HmacSha256 {
        // No owner's name contains NUL, so two pairs never collide.
        self.file_id.clone().chain_update(owner.as_str()).chain_update([0]).chain_update(url)
    }

    /// The secret part of this video's callback URL.
    #[must_use]
    pub fn callback_proof(&self, id: &VideoId) -> String {
        let mac = self.callback.clone().chain_update(id.as_str()).finalize().into_bytes();
        Base32Unpadded::encode_string(mac.get(..CALLBACK_PROOF_BYTES).unwrap_or(&mac))
    }

    /// The id in `text`, if this is its callback proof; compared in constant time.
    #[must_use]
    pub fn verify_callback(&self, text: &str, proof: &str) -> Option<VideoId> {
        let previous = || self.previous.as_ref()?.verify_callback(text, proof);
        self.own_callback(text, proof).or_else(previous)
    }

    fn own_callback(&self, text: &str, proof: &str) -> Option<VideoId> {
        let proof = Base32Unpadded::decode_vec(proof).ok()?;
        if proof.len() != CALLBACK_PROOF_BYTES {
            return None;
        }
        self.callback.clone().chain_update(text).verify_truncated_left(&proof).ok()?;
        Some(VideoId::from_proven(text.to_owned()))
    }

    /// The grants that open the links of this video without its owner's token for some hours. `None` for a video without
    /// an owner, which needs none. `created_at` is in unix seconds.
    #[must_use]
    pub fn grants(&self, owner: &Owner, id: &VideoId, created_at: i64, now: UnixMillis) -> Option<Grants> {
        let ends_at = EndsAt::of(created_at, now)?;
        (!owner.is_nobody()).then(|| self.grants.until(id, ends_at))
    }

    /// The id in `text`, if this grant plays its video.
    #[must_use]
    pub fn verify_content_grant(&self, text: &str, grant: &str, now: UnixMillis) -> Option<VideoId> {
        let previous = || self.previous.as_ref()?.verify_content_grant(text, grant, now);
        let own = self.grants.verify_content(text, grant, now);
        own.map(|_| VideoId::from_proven(text.to_owned())).or_else(previous)
    }

    /// The id in `text`, if this grant watches its video, and the grants that end with this one.
    #[must_use]
    pub fn verify_events_grant(&self, text: &str, grant: &str, now: UnixMillis) -> Option<(VideoId, Grants)> {
        let verified_by = |keys: &Self| keys.grants.verify_events(text, grant, now);
        let ends_at = verified_by(self).or_else(|| verified_by(self.previous.as_ref()?))?;
        let id = VideoId::from_proven(text.to_owned());
        let grants = self.grants.until(&id, ends_at);
        Some((id, grants))
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

    fn owner(name: &str) -> Owner {
        Owner::named(name).unwrap_or_default()
    }

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::new(seconds * 1000)
    }

    #[test]
    fn a_short_key_is_refused() {
        assert!(SigningKeys::derive(&[7; MIN_SIGNING_KEY_BYTES - 1]).is_err());
        assert!(SigningKeys::derive(&[7; MIN_SIGNING_KEY_BYTES]).is_ok());
    }

    /// Computed with another implementation of HMAC.
    #[test]
    fn known_keys_give_known_ids_proofs_and_grants() {
        let keys = keys(b"k");
        let id = keys.mint(&owner(""), [1; RANDOM_BYTES]);
        assert_eq!(id.as_str(), "vid_aeaqcaibaeaqcaibaeaqcaibafokkim4bg2ky6ic");
        assert_eq!(keys.callback_proof(&id), "cejhnhcmog4r7dkvewubh2v2ik5vyilf");
        assert_eq!(
            keys.mint(&owner("alice"), [1; RANDOM_BYTES]).as_str(),
            "vid_aeaqcaibaeaqcaibaeaqcaibaes6ugg5uyrvdx6q"
        );
        let grants = keys.grants(&owner("alice"), &id, 1_699_978_500, at(1_700_000_000)).unwrap();
        assert_eq!(grants.content, "mvkelrfodndgrvlpvkxdhyvuqxfmdcpw");
        assert_eq!(grants.events, "mvkelrbvuyvrwgrijf674pzg3xjbqvd7");
        assert_eq!(
            keys.file_id(&owner("alice"), "https://cdn.example/a.png"),
            "file_K_wENv1RAd0bB8daYaHzrWh0dHBzOi8vY2RuLmV4YW1wbGUvYS5wbmc"
        );
    }

    #[test]
    fn a_grant_is_equal_for_6_hours_and_valid_for_6_more() {
        let keys = keys(b"k");
        let (alice, from, hours) = (owner("alice"), 1_700_000_123, 6 * 3600);
        let id = keys.mint(&alice, [1; RANDOM_BYTES]);
        let grants = |seconds: i64| keys.grants(&alice, &id, from, at(from + seconds)).unwrap();
        let first = grants(0);
        for seconds in [1, hours - 1] {
            assert_eq!(grants(seconds), first);
        }
        let later = grants(hours);
        assert!(later.content != first.content && later.events != first.events);
        for seconds in [0, hours, 2 * hours - 1] {
            let now = at(from + seconds);
            assert_eq!(keys.verify_content_grant(id.as_str(), &first.content, now), Some(id.clone()));
            // Whoever watches is shown nothing that ends later.
            let watched = keys.verify_events_grant(id.as_str(), &first.events, now);
            assert_eq!(watched, Some((id.clone(), first.clone())));
        }
        let end = at(from + 2 * hours);
        assert_eq!(keys.verify_content_grant(id.as_str(), &first.content, end), None);
        assert_eq!(keys.verify_events_grant(id.as_str(), &first.events, end), None);
        // The clock is behind.
        assert_eq!(grants(-5), first);
        assert_eq!(keys.grants(&owner(""), &id, from, at(from)), None);
    }

    #[test]
    fn a_grant_opens_one_thing() {
        let (keys, alice) = (keys(b"k"), owner("alice"));
        let id = keys.mint(&alice, [1; RANDOM_BYTES]);
        let Grants { content, events } = keys.grants(&alice, &id, 0, at(0)).unwrap();
        assert_eq!(keys.verify_content_grant(id.as_str(), &events, at(0)), None);
        assert_eq!(keys.verify_events_grant(id.as_str(), &content, at(0)), None);
    }

    #[test]
    fn only_the_owner_gets_the_url_of_a_file_id() {
        let (keys, alice) = (keys(b"k"), owner("alice"));
        let link = "https://cdn.example/猫.png?x=1";
        let id = keys.file_id(&alice, link);
        assert_eq!(keys.file_url(&alice, &id).as_deref(), Some(link));
        assert_eq!(keys.file_url(&owner("bob"), &id), None);
        assert_eq!(keys.file_url(&alice, &id.to_lowercase()), None);
        for other in ["", "file_", "file_AAAA", link, "file_!!"] {
            assert_eq!(keys.file_url(&alice, other), None, "{other}");
        }
    }

    #[test]
    fn the_previous_key_verifies_but_does_not_sign() {
        let (before, alice) = (keys(b"a"), owner("alice"));
        let rotated = keys(b"b").instead_of(Some(keys(b"a")));
        let id = before.mint(&alice, [1; RANDOM_BYTES]);
        let Grants { content, events } = before.grants(&alice, &id, 0, at(0)).unwrap();
        assert_eq!(rotated.verify_id(&alice, id.as_str()), Some(id.clone()));
        assert_eq!(rotated.verify_id(&owner("bob"), id.as_str()), None);
        assert_eq!(rotated.verify_callback(id.as_str(), &before.callback_proof(&id)), Some(id.clone()));
        assert_eq!(rotated.verify_content_grant(id.as_str(), &content, at(0)), Some(id.clone()));
        let signed_anew = rotated.grants(&alice, &id, 0, at(0)).unwrap();
        assert_ne!(signed_anew.events, events);
        assert_eq!(rotated.verify_events_grant(id.as_str(), &events, at(0)), Some((id.clone(), signed_anew)));
        let new = rotated.mint(&alice, [1; RANDOM_BYTES]);
        assert_eq!(before.verify_id(&alice, new.as_str()), None);
        assert_eq!(keys(b"b").verify_id(&alice, new.as_str()), Some(new));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", keys(b"k")), "SigningKeys(redacted)");
    }

    proptest! {
        #[test]
        fn only_ids_of_the_same_key_and_owner_are_valid(random in any::<[u8; RANDOM_BYTES]>(), name in "[a-z]{0,8}") {
            let (ours, theirs, owner) = (keys(b"a"), keys(b"b"), owner(&name));
            let id = ours.mint(&owner, random);
            let text = id.as_str();
            prop_assert_eq!(ours.verify_id(&owner, text), Some(id.clone()));
            prop_assert_eq!(theirs.verify_id(&owner, text), None);
            prop_assert_eq!(ours.verify_id(&Owner::named(&format!("{name}x")).unwrap(), text), None);
            let proof = ours.callback_proof(&id);
            prop_assert_eq!(ours.verify_callback(text, &proof), Some(id.clone()));
            prop_assert_eq!(theirs.verify_callback(text, &proof), None);
            if let Some(grants) = ours.grants(&owner, &id, 0, at(0)) {
                let Grants { content, events } = &grants;
                prop_assert_eq!(ours.verify_content_grant(text, content, at(0)), Some(id.clone()));
                prop_assert_eq!(ours.verify_events_grant(text, events, at(0)), Some((id.clone(), grants.clone())));
                prop_assert_eq!(theirs.verify_content_grant(text, content, at(0)), None);
                prop_assert_eq!(theirs.verify_events_grant(text, events, at(0)), None);
                prop_assert_eq!(ours.verify_callback(text, content), None);
                let other = ours.mint(&owner, random.map(|byte| !byte));
                prop_assert_eq!(ours.verify_content_grant(other.as_str(), content, at(0)), None);
                prop_assert_eq!(ours.verify_events_grant(other.as_str(), events, at(0)), None);
            }
        }

        #[test]
        fn an_idempotency_key_gives_one_id_per_owner(name in "[a-z]{0,8}", key in "[!-~]{1,20}", other in "[!-~]{1,20}") {
            let (keys, owner) = (keys(b"a"), owner(&name));
            let id = keys.mint_for(&owner, &key);
            prop_assert_eq!(keys.verify_id(&owner, id.as_str()), Some(id.clone()));
            prop_assert_eq!(keys.mint_for(&owner, &key), id.clone());
            prop_assert_eq!(keys.mint_for(&owner, &other) == id, key == other);
            prop_assert_ne!(keys.mint_for(&Owner::named(&format!("{name}x")).unwrap(), &key), id);
        }

        #[test]
        fn one_changed_character_is_refused(
            random in any::<[u8; RANDOM_BYTES]>(),
            place in 0_usize..40,
            by in 1_u8..255,
        ) {
            let (keys, alice) = (keys(b"a"), owner("alice"));
            let altered = |text: &str, from: usize| {
                let mut bytes = text.as_bytes().to_vec();
                let at = from + place % (bytes.len() - from);
                bytes[at] = bytes[at].wrapping_add(by);
                String::from_utf8_lossy(&bytes).into_owned()
            };
            let id = keys.mint(&alice, random);
            prop_assert_eq!(keys.verify_id(&alice, &altered(id.as_str(), ID_PREFIX.len())), None);
            let Grants { content, events } = keys.grants(&alice, &id, 0, at(0)).unwrap();
            prop_assert_eq!(keys.verify_content_grant(id.as_str(), &altered(&content, 0), at(0)), None);
            prop_assert_eq!(keys.verify_events_grant(id.as_str(), &altered(&events, 0), at(0)), None);
        }

        #[test]
        fn arbitrary_text_is_refused(text in ".{0,80}") {
            let keys = keys(b"a");
            let nobody = Owner::nobody();
            prop_assert_eq!(keys.verify_id(&nobody, &text), None);
            let id = keys.mint(&nobody, [0; RANDOM_BYTES]);
            prop_assert_eq!(keys.verify_callback(id.as_str(), &text), None);
            prop_assert_eq!(keys.verify_content_grant(id.as_str(), &text, at(0)), None);
            prop_assert_eq!(keys.verify_events_grant(id.as_str(), &text, at(0)), None);
        }
    }
}
