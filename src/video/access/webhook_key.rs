//! The signature of outgoing webhooks by Standard Webhooks (<https://www.standardwebhooks.com>): an HMAC over the
//! event's id, the time of the attempt and the body.

use std::fmt;
use std::ops::RangeInclusive;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

use crate::video::time::UnixMillis;

const PREFIX: &str = "whsec_";

/// Allowed bytes of a key, by the specification.
const KEY_BYTES: RangeInclusive<usize> = 24..=64;

/// `NOTIFY_SECRET`: one key, or several during a change of keys. Secret.
#[derive(Clone)]
pub struct WebhookKeys(Vec<Hmac<Sha256>>);

#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "must be whsec_ and 24 to 64 bytes in base64: openssl rand -base64 32; or several such keys, separated by spaces"
)]
pub struct NotWebhookKeys;

impl WebhookKeys {
    /// # Errors
    /// [`NotWebhookKeys`] if a key is invalid or there is none.
    pub fn parse(text: &str) -> Result<Self, NotWebhookKeys> {
        let keys = text.split_whitespace().map(|key| {
            let key = key.strip_prefix(PREFIX).and_then(|base64| Base64::decode_vec(base64).ok());
            let key = key.filter(|key| KEY_BYTES.contains(&key.len())).ok_or(NotWebhookKeys)?;
            Hmac::new_from_slice(&key).map_err(|_| NotWebhookKeys)
        });
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(NotWebhookKeys) } else { Ok(Self(keys)) }
    }

    /// The value of the header `webhook-signature`: one signature per key, separated by spaces.
    #[must_use]
    pub fn sign(&self, webhook_id: &str, at: UnixMillis, body: &str) -> String {
        let head = format!("{webhook_id}.{}.", at.seconds());
        let signatures = self.0.iter().map(|key| {
            let mac = key.clone().chain_update(&head).chain_update(body).finalize().into_bytes();
            format!("v1,{}", Base64::encode_string(&mac))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }

    /// Whether both have a key in common, by what the keys sign.
    #[must_use]
    pub fn shares_key_with(&self, other: &Self) -> bool {
        let signed = |keys: &Self| keys.sign("", UnixMillis::new(0), "");
        let (own, others) = (signed(self), signed(other));
        own.split(' ').any(|signature| others.split(' ').any(|known| known == signature))
    }
}

impl fmt::Debug for WebhookKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKeys(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The example that implementations of the specification share.
    #[test]
    fn a_known_message_has_the_known_signature() {
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let signed = |keys: &str| {
            let at = UnixMillis::new(1_614_265_330_999);
            let keys = WebhookKeys::parse(keys).unwrap();
            keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#)
        };
        assert_eq!(signed(KEY), signature);
        let other = format!("{PREFIX}{}", Base64::encode_string(&[7; 32]));
        assert_eq!(signed(&format!("{other} \n{KEY} ")), format!("{} {signature}", signed(&other)));
        assert_ne!(signed(&other), signature);
        assert_eq!(format!("{:?}", WebhookKeys::parse(KEY).unwrap()), "WebhookKeys(redacted)");
    }

    #[test]
    fn keys_have_24_to_64_bytes() {
        let parse =
            |bytes: usize| WebhookKeys::parse(&format!("{PREFIX}{}", Base64::encode_string(&vec![7; bytes])));
        for bytes in [24, 32, 64] {
            assert!(parse(bytes).is_ok(), "{bytes}");
        }
        for bytes in [0, 23, 65] {
            assert!(parse(bytes).is_err(), "{bytes}");
        }
        let half = format!("{KEY} whsec_");
        for wrong in [
            "",
            " ",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
            &half,
        ] {
            assert!(WebhookKeys::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
