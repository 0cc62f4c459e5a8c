//! Bearer tokens, compared in constant time: only their MACs ever meet.

use std::fmt;

use hmac::digest::Output;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

type HmacSha256 = Hmac<Sha256>;

/// What every token signs to be recognised.
const CHALLENGE: &str = "bearer";

/// A token that opens something. Secret.
#[derive(Clone)]
pub struct BearerToken(HmacSha256);

/// The token that an `Authorization` header shows.
pub struct ShownToken(Output<HmacSha256>);

impl BearerToken {
    /// A token of visible ASCII characters, at least so many; it is sent as a header.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a secret is given away, not lent")]
    pub fn new(token: String, min_chars: usize) -> Option<Self> {
        signed_by(&token).filter(|_| token.len() >= min_chars).map(Self)
    }

    #[must_use]
    pub fn is(&self, shown: &ShownToken) -> bool {
        self.0.clone().verify(&shown.0).is_ok()
    }
}

impl ShownToken {
    #[must_use]
    pub fn read(authorization: &str) -> Option<Self> {
        let (scheme, token) = authorization.split_once(' ')?;
        let mac = signed_by(token.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer"))?;
        Some(Self(mac.finalize().into_bytes()))
    }
}

/// Visible ASCII only: to HMAC, a key with NUL bytes behind it is the same key.
fn signed_by(token: &str) -> Option<HmacSha256> {
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
    fn only_the_token_itself_is_taken() {
        let text = "0123456789abcdef0123456789abcdef";
        let token = BearerToken::new(text.to_owned(), 32).unwrap();
        let is_shown = |header: &str| ShownToken::read(header).is_some_and(|shown| token.is(&shown));
        assert!(is_shown(&format!("Bearer {text}")) && is_shown(&format!("bearer  {text}")));
        for wrong in ["", text, "Bearer", "Bearer ", "Basic 0123456789abcdef0123456789abcdef", "Bearer 0"] {
            assert!(!is_shown(wrong), "{wrong:?}");
        }
        assert!(!is_shown(&format!("Bearer {text}0")));
        assert!(!is_shown(&format!("Bearer {text}\0")));
        assert_eq!(format!("{token:?}"), "BearerToken(redacted)");
    }

    #[test]
    fn a_token_that_is_short_or_no_header_is_refused() {
        for wrong in ["", "short", "with a space in it", "with-ü-inside"] {
            assert!(BearerToken::new(wrong.to_owned(), 8).is_none(), "{wrong:?}");
        }
    }
}
