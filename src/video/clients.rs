//! The clients that may use the API, by the tokens that they show.

use serde_json::{Map, Value};
use thiserror::Error;

use super::bearer::{BearerToken, ShownToken};
use super::owner::Owner;

/// `CLIENT_TOKENS`: each client's name and its tokens. A client has two while they are being changed.
#[derive(Debug)]
pub struct Clients(Vec<(Owner, BearerToken)>);

#[derive(Debug, Error)]
pub enum ClientsError {
    #[error("must be a JSON object of names and tokens, such as {{\"alice\": \"…\"}}, with at least one")]
    NotAnObject,
    #[error("has a name that is not 1 to 64 visible ASCII characters without a colon")]
    Name,
    #[error("has a token that is not visible ASCII characters; a token is a string, or a list of strings")]
    Token,
    #[error("has a token twice")]
    Twice,
}

impl Clients {
    /// Reads `{"name": "token"}` or `{"name": ["new token", "old token"]}`.
    ///
    /// # Errors
    /// [`ClientsError`], which shows nothing of what was read.
    pub fn parse(json: &str) -> Result<Self, ClientsError> {
        let named: Map<String, Value> = serde_json::from_str(json).map_err(|_| ClientsError::NotAnObject)?;
        let mut clients = Self(Vec::new());
        for (name, tokens) in named {
            let owner = Owner::named(&name).ok_or(ClientsError::Name)?;
            let tokens = match tokens {
                Value::Array(tokens) if !tokens.is_empty() => tokens,
                one => vec![one],
            };
            for token in tokens {
                clients.add(owner.clone(), token)?;
            }
        }
        if clients.0.is_empty() { Err(ClientsError::NotAnObject) } else { Ok(clients) }
    }

    fn add(&mut self, owner: Owner, token: Value) -> Result<(), ClientsError> {
        let Value::String(token) = token else { return Err(ClientsError::Token) };
        if ShownToken::read(&format!("Bearer {token}")).and_then(|shown| self.of(&shown)).is_some() {
            return Err(ClientsError::Twice);
        }
        let token = BearerToken::new(token, 1).ok_or(ClientsError::Token)?;
        self.0.push((owner, token));
        Ok(())
    }

    /// The client whose token is shown by an `Authorization` header.
    #[must_use]
    pub fn authorized(&self, authorization: &str) -> Option<&Owner> {
        self.of(&ShownToken::read(authorization)?)
    }

    /// Every token is looked at, whichever it is.
    fn of(&self, shown: &ShownToken) -> Option<&Owner> {
        self.0.iter().fold(None, |found, (owner, token)| if token.is(shown) { Some(owner) } else { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_client() {
        let clients = Clients::parse(r#"{"alice": "a-token", "bob": ["new-token", "old-token"]}"#).unwrap();
        let name = |header: &str| clients.authorized(header).map(Owner::as_str);
        assert_eq!(name("Bearer a-token"), Some("alice"));
        assert_eq!(name("Bearer new-token"), Some("bob"));
        assert_eq!(name("Bearer old-token"), Some("bob"));
        for wrong in ["", "a-token", "Bearer", "Bearer b", "Basic a-token", "Bearer a-token,new-token"] {
            assert_eq!(name(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_showing_it() {
        for (json, problem) in [
            ("", "a JSON object"),
            ("[]", "a JSON object"),
            ("{}", "a JSON object"),
            (r#"{"a:b": "secret"}"#, "a name"),
            (r#"{"": "secret"}"#, "a name"),
            (r#"{"a": ""}"#, "a token that"),
            (r#"{"a": []}"#, "a token that"),
            (r#"{"a": 12345678}"#, "a token that"),
            (r#"{"a": ["secret", "sec ret"]}"#, "a token that"),
            (r#"{"a": "secret", "b": "secret"}"#, "twice"),
        ] {
            let told = Clients::parse(json).unwrap_err().to_string();
            assert!(told.contains(problem) && !told.contains("sec"), "{json}: {told}");
        }
    }
}
