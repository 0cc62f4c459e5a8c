//! Cloudflare's Turnstile: what a visitor shows, what the verifier is asked, and what its answer means. Pure.
//! <https://developers.cloudflare.com/turnstile/get-started/server-side-validation/>

use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Cloudflare's longest token.
const MAX_TOKEN_CHARS: usize = 2048;

/// What a widget says that its challenge is for.
pub const ACTION: &str = "submit";

/// `TURNSTILE_SECRET`. Secret.
#[derive(Clone)]
pub struct Secret(String);

/// What the widget gave to the visitor; it may be anything.
pub struct Token(String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A challenge was solved on a page of ours, for this purpose, and is shown for the first time.
    Passed,
    /// It was shown before, or solved too long ago.
    Spent,
    /// Not solved.
    Failed,
    /// Solved, but not on a page of ours or not for this purpose: the page's host and the purpose.
    Elsewhere { hostname: String, action: String },
    /// The verifier does not say. Why is for the log.
    Unknown(String),
}

impl Secret {
    #[must_use]
    pub const fn new(secret: String) -> Self {
        Self(secret)
    }
}

impl Token {
    /// `None` for what cannot be one.
    #[must_use]
    pub fn read(shown: String) -> Option<Self> {
        let is_token =
            (1..=MAX_TOKEN_CHARS).contains(&shown.len()) && shown.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then_some(Self(shown))
    }

    /// What a job remembers of the token that began it: SHA-256, in lowercase hex.
    #[must_use]
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(&self.0))
    }
}

/// The body of siteverify, in JSON. Without an `idempotency_key`: a token is asked about once.
#[must_use]
pub fn question(secret: &Secret, token: &Token, address: Option<&str>) -> String {
    let mut question = json!({ "secret": secret.0, "response": token.0 });
    if let (Some(address), Some(members)) = (address, question.as_object_mut()) {
        members.insert("remoteip".to_owned(), address.into());
    }
    question.to_string()
}

/// What siteverify says; nothing but a plain yes is one.
pub fn verdict(status: u16, body: &str, is_ours: impl Fn(&str) -> bool) -> Verdict {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    match answer.get("success").and_then(Value::as_bool) {
        Some(true) if status == 200 => {
            let (hostname, action) = (text("hostname"), text("action"));
            if is_ours(hostname) && action == ACTION {
                Verdict::Passed
            } else {
                Verdict::Elsewhere { hostname: hostname.to_owned(), action: action.to_owned() }
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
        // The others are about the secret, about how it was asked, or its own.
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
        verdict(status, body, |hostname| hostname == "video.example")
    }

    #[test]
    fn a_plain_yes_is_one_and_nothing_like_it() {
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
    fn it_was_solved_here_and_for_this() {
        for (hostname, action) in [
            ("evil.example", "submit"),
            ("", "submit"),
            ("video.example", ""),
            ("video.example", "login"),
            ("video.example", "Submit"),
        ] {
            let body = json!({ "success": true, "hostname": hostname, "action": action }).to_string();
            let (hostname, action) = (hostname.to_owned(), action.to_owned());
            assert_eq!(read(200, &body), Verdict::Elsewhere { hostname, action });
        }
        let bare = Verdict::Elsewhere { hostname: String::new(), action: String::new() };
        assert_eq!(read(200, r#"{"success":true}"#), bare);
        assert_eq!(read(200, r#"{"success":true,"hostname":["video.example"],"action":7}"#), bare);
    }

    #[test]
    fn a_no_has_its_reason() {
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
    fn a_token_is_short_and_visible() {
        let is_token = |text: &str| Token::read(text.to_owned()).is_some();
        assert!(is_token("0.abc-DEF_123") && is_token(&"a".repeat(2048)));
        for text in ["", " ", "a b", "a,\tb", "é", "a\n", &"a".repeat(2049)] {
            assert!(!is_token(text), "{text:?}");
        }
    }

    #[test]
    fn a_token_is_remembered_by_its_digest() {
        let digest = Token("test".to_owned()).digest();
        assert_eq!(digest, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    }

    #[test]
    fn the_question_is_pinned() {
        let (secret, token) = (Secret::new("s\"".to_owned()), Token("t".to_owned()));
        assert_eq!(question(&secret, &token, None), r#"{"response":"t","secret":"s\""}"#);
        let asked = question(&secret, &token, Some("203.0.113.7"));
        assert_eq!(asked, r#"{"remoteip":"203.0.113.7","response":"t","secret":"s\""}"#);
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }
}
