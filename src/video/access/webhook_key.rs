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

/// `NOTIFY_SECRET`. Secret.
#[derive(Clone)]
pub struct WebhookKey(Hmac<Sha256>);

#[derive(Debug, Error, PartialEq, Eq)]
#[error("must be whsec_ and 24 to 64 bytes in base64: openssl rand -base64 32")]
pub struct NotAWebhookKey;

impl WebhookKey {
    /// # Errors
    /// [`NotAWebhookKey`].
    pub fn parse(text: &str) -> Result<Self, NotAWebhookKey> {
        let key = text.strip_prefix(PREFIX).and_then(|base64| Base64::decode_vec(base64).ok());
        let key = key.filter(|key| KEY_BYTES.contains(&key.len())).ok_or(NotAWebhookKey)?;
        Hmac::new_from_slice(&key).map(Self).map_err(|_| NotAWebhookKey)
    }

    /// The value of the header `webhook-signature`.
    #[must_use]
    pub fn sign(&self, webhook_id: &str, at: UnixMillis, body: &str) -> String {
        let head = format!("{webhook_id}.{}.", at.seconds());
        let mac = self.0.clone().chain_update(head).chain_update(body).finalize().into_bytes();
        format!("v1,{}", Base64::encode_string(&mac))
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The example that implementations of the specification share.
    #[test]
    fn a_known_message_has_the_known_signature() {
        let key = WebhookKey::parse(KEY).unwrap();
        let at = UnixMillis::new(1_614_265_330_999);
        assert_eq!(
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_eq!(format!("{key:?}"), "WebhookKey(redacted)");
    }

    #[test]
    fn keys_have_24_to_64_bytes() {
        let parse =
            |bytes: usize| WebhookKey::parse(&format!("{PREFIX}{}", Base64::encode_string(&vec![7; bytes])));
        for bytes in [24, 32, 64] {
            assert!(parse(bytes).is_ok(), "{bytes}");
        }
        for bytes in [0, 23, 65] {
            assert!(parse(bytes).is_err(), "{bytes}");
        }
        for wrong in
            ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!"]
        {
            assert!(WebhookKey::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
