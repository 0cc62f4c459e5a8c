//! The messages of Cloudflare's Turnstile: the token of a user, the request to siteverify and its response.
//! <https://developers.cloudflare.com/turnstile/get-started/server-side-validation/>

use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The maximum length of a token, by Cloudflare.
const MAX_TOKEN_CHARS: usize = 2048;

/// The action that the widget is configured with.
pub const ACTION: &str = "submit";

/// `TURNSTILE_SECRET`. Secret.
#[derive(Clone)]
pub struct Secret(String);

/// The token that a client sent; not verified.
pub struct Token(String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The challenge was solved on our page for this action, and the token is used for the first time.
    Passed,
    /// The token was used before, or is too old.
    Spent,
    /// The token is not valid.
    Failed,
    /// The challenge was solved on another site or for another action.
    Mismatch { hostname: String, action: String },
    /// Siteverify gave no usable response; with the reason, for the log.
    Unknown(String),
}

impl Secret {
    #[must_use]
    pub const fn new(secret: String) -> Self {
        Self(secret)
    }
}

impl Token {
    /// `None` if the text cannot be a token.
    #[must_use]
    pub fn read(text: String) -> Option<Self> {
        let is_token =
            (1..=MAX_TOKEN_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then_some(Self(text))
    }

    /// SHA-256 in lowercase hex, which the task stores instead of the token.
    #[must_use]
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(&self.0))
    }
}

/// The JSON body of the request to siteverify. It has no `idempotency_key`, because each token is verified once.
#[must_use]
pub fn request_body(secret: &Secret, token: &Token, address: Option<&str>) -> String {
    let mut body = json!({ "secret": secret.0, "response": token.0 });
    if let (Some(address), Some(members)) = (address, body.as_object_mut()) {
        members.insert("remoteip".to_owned(), address.into());
    }
    body.to_string()
}

/// Reads the response of siteverify. Everything but `"success": true` with status 200 is a failure.
pub fn read_verdict(status: u16, body: &str, is_ours: impl Fn(&str) -> bool) -> Verdict {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    match answer.get("success").and_then(Value::as_bool) {
        Some(true) if status == 200 => {
            let (hostname, action) = (text("hostname"), text("action"));
            if is_ours(hostname) && action == ACTION {
                Verdict::Passed
            } else {
                Verdict::Mismatch { hostname: hostname.to_owned(), action: action.to_owned() }
            }
        }
        Some(false) => failure(&answer),
        _ => Verdict::Unknown(format!("HTTP status {status} and no verdict")),
    }
}

fn failure(answer: &Value) -> Verdict {
    let codes = answer.get("error-codes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let codes: Vec<&str> = codes.iter().filter_map(Value::as_str).collect();
    match &codes[..] {
        ["timeout-or-duplicate"] => Verdict::Spent,
        ["invalid-input-response"] => Verdict::Failed,
        // The other codes are about the secret, the request or an internal error.
        _ => Verdict::Unknown(codes.join(", ")),
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Verdict {
        read_verdict(status, body, |hostname| hostname == "video.example")
    }

    #[test]
    fn only_success_true_with_status_200_passes() {
        let yes = r#"{"success":true,"error-codes":[],"challenge_ts":"2026-11-25T00:00:00Z","hostname":"video.example","action":"submit","cdata":""}"#;
        assert_eq!(read(200, yes), Verdict::Passed);
        for (status, body) in [
            (500, yes),
            (302, yes),
            (200, ""),
            (200, "true"),
            (200, "<html>"),
            (200, "{}"),
            (200, r#"[{"success":true}]"#),
            (200, &yes.replace("true", r#""true""#)),
            (200, &yes.replace("true", "1")),
            (200, &yes.replace("true", "null")),
            (200, &yes.replace("success", "Success")),
            (200, yes.trim_end_matches('}')),
        ] {
            assert!(matches!(read(status, body), Verdict::Unknown(_)), "{status} {body}");
        }
    }

    #[test]
    fn another_host_or_action_is_a_mismatch() {
        for (hostname, action) in [
            ("evil.example", "submit"),
            ("", "submit"),
            ("video.example", ""),
            ("video.example", "login"),
            ("video.example", "Submit"),
        ] {
            let body = json!({ "success": true, "hostname": hostname, "action": action }).to_string();
            let (hostname, action) = (hostname.to_owned(), action.to_owned());
            assert_eq!(read(200, &body), Verdict::Mismatch { hostname, action });
        }
        let bare = Verdict::Mismatch { hostname: String::new(), action: String::new() };
        assert_eq!(read(200, r#"{"success":true}"#), bare);
        assert_eq!(read(200, r#"{"success":true,"hostname":["video.example"],"action":7}"#), bare);
    }

    #[test]
    fn error_codes_are_told_apart() {
        let no = |codes: &str| read(200, &format!(r#"{{"success":false,"error-codes":{codes}}}"#));
        assert_eq!(no(r#"["timeout-or-duplicate"]"#), Verdict::Spent);
        assert_eq!(no(r#"["invalid-input-response"]"#), Verdict::Failed);
        for codes in [
            r#"["invalid-input-secret"]"#,
            r#"["missing-input-secret"]"#,
            r#"["bad-request"]"#,
            r#"["internal-error"]"#,
            r#"["invalid-input-secret","timeout-or-duplicate"]"#,
            "[]",
            "7",
        ] {
            assert!(matches!(no(codes), Verdict::Unknown(_)), "{codes}");
        }
    }

    #[test]
    fn a_token_has_at_most_2048_visible_ascii_characters() {
        let is_token = |text: &str| Token::read(text.to_owned()).is_some();
        assert!(is_token("0.abc-DEF_123") && is_token(&"a".repeat(2048)));
        for text in ["", " ", "a b", "a,\tb", "é", "a\n", &"a".repeat(2049)] {
            assert!(!is_token(text), "{text:?}");
        }
    }

    #[test]
    fn the_digest_of_a_token_is_its_sha256() {
        let digest = Token("test".to_owned()).digest();
        assert_eq!(digest, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    }

    #[test]
    fn the_request_has_exactly_this_body() {
        let (secret, token) = (Secret::new("s\"".to_owned()), Token("t".to_owned()));
        assert_eq!(request_body(&secret, &token, None), r#"{"response":"t","secret":"s\""}"#);
        let with_address = request_body(&secret, &token, Some("203.0.113.7"));
        assert_eq!(with_address, r#"{"remoteip":"203.0.113.7","response":"t","secret":"s\""}"#);
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }
}
