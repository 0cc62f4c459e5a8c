//! What `CLIENT_TOKENS` says that is accepted although it is hardly meant: a client twice, a token that can be guessed.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// A token with fewer characters can be guessed.
const SAFE_TOKEN_CHARS: usize = 16;

/// The names of clients, each once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WeakClients {
    /// Named twice: JSON keeps only the last one, and the other tokens are refused.
    pub named_twice: Vec<String>,
    pub with_short_token: Vec<String>,
}

impl WeakClients {
    /// Nothing in a text that is no object: whoever reads the clients reports that.
    #[must_use]
    pub fn of(json: &str) -> Self {
        let mut weak = Self::default();
        let Ok(Members(members)) = serde_json::from_str(json) else { return weak };
        for (index, (name, client)) in members.iter().enumerate() {
            let is_repeated = members.iter().take(index).any(|(earlier, _)| earlier == name);
            if is_repeated && !weak.named_twice.contains(name) {
                weak.named_twice.push(name.clone());
            }
            if has_short_token(client) && !weak.with_short_token.contains(name) {
                weak.with_short_token.push(name.clone());
            }
        }
        weak
    }
}

/// `client`: a token, a list of tokens, or an object with one of these as `token`.
fn has_short_token(client: &Value) -> bool {
    match client {
        Value::String(token) => token.len() < SAFE_TOKEN_CHARS,
        Value::Array(tokens) => tokens.iter().any(has_short_token),
        Value::Object(members) => members.get("token").is_some_and(has_short_token),
        _ => false,
    }
}

/// All members of a JSON object in order, also those of one name.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_named_twice_is_found_also_with_an_escaped_name() {
        let weak = WeakClients::of(
            r#"{"alice": "0123456789abcdef", "bob": "0123456789abcdeg", "\u0061lice": "0123456789abcdeh", "alice": 7}"#,
        );
        assert_eq!(weak, WeakClients { named_twice: vec!["alice".to_owned()], with_short_token: vec![] });
    }

    #[test]
    fn a_token_of_fewer_than_16_characters_is_short() {
        let weak = WeakClients::of(
            r#"{"a": "0123456789abcde", "b": ["0123456789abcdef", "short"], "c": {"token": "short", "daily_usd": "1"},
                "d": {"token": ["0123456789abcdef"]}, "e": "0123456789abcdef", "f": 7}"#,
        );
        assert_eq!(weak.with_short_token, ["a", "b", "c"]);
        assert_eq!(weak.named_twice, Vec::<String>::new());
    }

    #[test]
    fn another_text_has_no_clients() {
        for text in ["", "[]", "7", "{\"alice\": "] {
            assert_eq!(WeakClients::of(text), WeakClients::default(), "{text}");
        }
    }
}
