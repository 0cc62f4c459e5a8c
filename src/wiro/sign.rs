//! Authentication of calls to Wiro.
//!
//! `x-signature` is the lowercase hex HMAC-SHA256 with the API *key* as key over API secret and nonce;
//! the body is not signed. A project without a secret sends its key alone.

use std::fmt;

use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A project's key and, when it has one, its secret.
pub struct Credentials {
    api_key: String,
    signature: Option<Hmac<Sha256>>,
}

impl Credentials {
    /// Prepares the signature once: the secret comes first in every signed message.
    ///
    /// # Errors
    /// Never for HMAC, whose keys may have any length; the type is the library's.
    pub fn new(api_key: String, api_secret: Option<&str>) -> Result<Self, InvalidLength> {
        let keyed = Hmac::<Sha256>::new_from_slice(api_key.as_bytes())?;
        let signature = api_secret.map(|secret| keyed.chain_update(secret));
        Ok(Self { api_key, signature })
    }

    /// The authentication headers of one call. `nonce` must never have been used before.
    #[must_use]
    pub fn headers(&self, nonce: u64) -> Vec<(&'static str, String)> {
        let mut headers = vec![("x-api-key", self.api_key.clone())];
        if let Some(signature) = &self.signature {
            let nonce = nonce.to_string();
            let mac = signature.clone().chain_update(&nonce).finalize().into_bytes();
            headers.push(("x-nonce", nonce));
            headers.push(("x-signature", hex::encode(mac)));
        }
        headers
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_equals_the_documented_example() {
        let credentials = Credentials::new("key".to_owned(), Some("secret")).unwrap();
        let headers = credentials.headers(123_456);
        let signature = "fcdfafa34a71577832e3006955d2af86d619f68af604abb81b0b480e34d9aa7e";
        assert_eq!(
            headers,
            [
                ("x-api-key", "key".to_owned()),
                ("x-nonce", "123456".to_owned()),
                ("x-signature", signature.to_owned()),
            ]
        );
    }

    #[test]
    fn without_a_secret_only_the_key_is_sent() {
        let credentials = Credentials::new("key".to_owned(), None).unwrap();
        assert_eq!(credentials.headers(1), [("x-api-key", "key".to_owned())]);
    }

    #[test]
    fn debug_output_is_redacted() {
        let credentials = Credentials::new("key".to_owned(), Some("secret")).unwrap();
        assert_eq!(format!("{credentials:?}"), "Credentials(redacted)");
    }
}
