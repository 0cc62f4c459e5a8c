//! The operator's token: whoever shows it may do what only an operator may.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// Shortest token that is accepted.
const MIN_TOKEN_CHARS: usize = 32;

/// `OPERATOR_TOKEN`. Secret.
#[derive(Clone)]
pub struct OperatorToken(Hmac<Sha256>);

#[derive(Debug, Error)]
#[error("must have at least {MIN_TOKEN_CHARS} characters")]
pub struct TokenTooShort;

impl OperatorToken {
    /// # Errors
    /// [`TokenTooShort`].
    #[expect(clippy::needless_pass_by_value, reason = "a secret is given away, not lent")]
    pub fn new(token: String) -> Result<Self, TokenTooShort> {
        if token.len() < MIN_TOKEN_CHARS {
            return Err(TokenTooShort);
        }
        Hmac::new_from_slice(token.as_bytes()).map(Self).map_err(|_| TokenTooShort)
    }

    /// Whether an `Authorization` header shows this token; compared in constant time, through MACs.
    #[must_use]
    pub fn is_shown_by(&self, authorization: &str) -> bool {
        let Some((scheme, shown)) = authorization.split_once(' ') else { return false };
        let Ok(shown) = Hmac::<Sha256>::new_from_slice(shown.trim().as_bytes()) else { return false };
        let proof = shown.chain_update("operator").finalize().into_bytes();
        scheme.eq_ignore_ascii_case("bearer")
            && self.0.clone().chain_update("operator").verify_slice(&proof).is_ok()
    }
}

impl fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_taken() {
        let text = "0123456789abcdef0123456789abcdef";
        let token = OperatorToken::new(text.to_owned()).unwrap();
        assert!(token.is_shown_by(&format!("Bearer {text}")) && token.is_shown_by(&format!("bearer {text}")));
        for wrong in ["", text, "Bearer", "Bearer ", "Basic 0123456789abcdef0123456789abcdef", "Bearer 0"] {
            assert!(!token.is_shown_by(wrong), "{wrong:?}");
        }
        assert!(!token.is_shown_by(&format!("Bearer {text}0")));
        assert_eq!(format!("{token:?}"), "OperatorToken(redacted)");
        assert!(OperatorToken::new("short".to_owned()).is_err());
    }
}
