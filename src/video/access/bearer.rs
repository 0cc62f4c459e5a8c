//! Bearer tokens, compared in constant time through their MACs.

use std::fmt;

use hmac::digest::Output;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

type HmacSha256 = Hmac<Sha256>;

/// The message that every token signs for comparison.
const CHALLENGE: &str = "bearer";

/// A token that grants access. Secret.
#[derive(Clone)]
pub struct BearerToken(HmacSha256);

/// The token of an `Authorization` header.
pub struct PresentedToken(Output<HmacSha256>);

impl BearerToken {
    /// A token of at least `min_chars` visible ASCII characters, because it is sent as a header.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the caller must not keep the secret")]
    pub fn new(token: String, min_chars: usize) -> Option<Self> {
        keyed_mac(&token).filter(|_| token.len() >= min_chars).map(Self)
    }

    #[must_use]
    pub fn is(&self, presented: &PresentedToken) -> bool {
        self.0.clone().verify(&presented.0).is_ok()
    }
}

impl PresentedToken {
    #[must_use]
    pub fn read(authorization: &str) -> Option<Self> {
        let (scheme, token) = authorization.split_once(' ')?;
        let mac = keyed_mac(token.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer"))?;
        Some(Self(mac.finalize().into_bytes()))
    }
}

/// `None` unless the token is visible ASCII: HMAC ignores trailing NUL bytes of a key.
fn keyed_mac(token: &str) -> Option<HmacSha256> {
    let is_token = token.bytes().all(|byte| byte.is_ascii_graphic());
    let mac = HmacSha256::new_from_slice(token.as_bytes()).ok().filter(|_| is_token)?;
    Some(mac.chain_update(CHALLENGE))
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_token_is_accepted() {
        let text = "0123456789abcdef0123456789abcdef";
        let token = BearerToken::new(text.to_owned(), 32).unwrap();
        let is_presented =
            |header: &str| PresentedToken::read(header).is_some_and(|presented| token.is(&presented));
        assert!(is_presented(&format!("Bearer {text}")) && is_presented(&format!("bearer  {text}")));
        for wrong in ["", text, "Bearer", "Bearer ", "Basic 0123456789abcdef0123456789abcdef", "Bearer 0"] {
            assert!(!is_presented(wrong), "{wrong:?}");
        }
        assert!(!is_presented(&format!("Bearer {text}0")));
        assert!(!is_presented(&format!("Bearer {text}\0")));
        assert_eq!(format!("{token:?}"), "BearerToken(redacted)");
    }

    #[test]
    fn a_token_that_is_too_short_or_not_visible_ascii_is_refused() {
        for wrong in ["", "short", "with a space in it", "with-ü-inside"] {
            assert!(BearerToken::new(wrong.to_owned(), 8).is_none(), "{wrong:?}");
        }
    }
}
