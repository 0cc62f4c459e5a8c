//! The clients of the API and their tokens.

use serde_json::{Map, Value};
use thiserror::Error;

use super::bearer::{BearerToken, PresentedToken};
use super::owner::Owner;
use super::webhook_key::WebhookKeys;
use crate::video::money::Usd;

/// `CLIENT_TOKENS`: the name, tokens, daily limit and webhook keys of each client. While its token is changed, a client has two.
#[derive(Debug, Default)]
pub struct Clients {
    tokens: Vec<(Owner, BearerToken)>,
    shares: Vec<(Owner, Usd)>,
    webhook_keys: Vec<(Owner, WebhookKeys)>,
}

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
    #[error("has a daily_usd that is not an amount such as \"5.00\"")]
    Share,
    #[error(
        "has a webhook_secret that is no text such as NOTIFY_SECRET: whsec_ and 24 to 64 bytes in base64"
    )]
    WebhookSecret,
    #[error("has a webhook_secret twice; a client could sign messages for another one")]
    WebhookSecretTwice,
    #[error("has a client with more than token, daily_usd and webhook_secret")]
    Member,
}

impl Clients {
    /// Reads `{"name": "token"}`, `{"name": ["new token", "old token"]}`, or with more than tokens `{"name": {"token":
    /// …, "daily_usd": "5.00", "webhook_secret": "whsec_…"}}`.
    ///
    /// # Errors
    /// [`ClientsError`], which does not quote the text.
    pub fn parse(json: &str) -> Result<Self, ClientsError> {
        let named: Map<String, Value> = serde_json::from_str(json).map_err(|_| ClientsError::NotAnObject)?;
        let mut clients = Self::default();
        let mut secrets = Vec::new();
        for (name, client) in named {
            let owner = Owner::named(&name).ok_or(ClientsError::Name)?;
            let tokens = if client.is_object() {
                clients.add_webhook_keys(&owner, &client, &mut secrets)?;
                clients.add_share(&owner, client)?
            } else {
                client
            };
            let tokens = match tokens {
                Value::Array(tokens) if !tokens.is_empty() => tokens,
                one => vec![one],
            };
            for token in tokens {
                clients.add(owner.clone(), token)?;
            }
        }
        if clients.tokens.is_empty() { Err(ClientsError::NotAnObject) } else { Ok(clients) }
    }

    /// Stores the client's daily limit and returns its tokens.
    fn add_share(&mut self, owner: &Owner, mut client: Value) -> Result<Value, ClientsError> {
        let is_known = |name: &String| ["token", "daily_usd", "webhook_secret"].contains(&name.as_str());
        if !client.as_object().is_some_and(|members| members.keys().all(is_known)) {
            return Err(ClientsError::Member);
        }
        let share = match client.get("daily_usd") {
            None | Some(Value::Null) => None,
            Some(Value::String(amount)) => Some(Usd::parse(amount)),
            Some(amount) => Some(Usd::parse(&amount.to_string())),
        };
        if let Some(share) = share {
            self.shares.push((owner.clone(), share.ok_or(ClientsError::Share)?));
        }
        Ok(client.get_mut("token").map(Value::take).unwrap_or_default())
    }

    /// `secrets` are those of the clients before.
    fn add_webhook_keys(
        &mut self,
        owner: &Owner,
        client: &Value,
        secrets: &mut Vec<String>,
    ) -> Result<(), ClientsError> {
        let Some(secret) = client.get("webhook_secret").filter(|secret| !secret.is_null()) else {
            return Ok(());
        };
        let secret = secret.as_str().ok_or(ClientsError::WebhookSecret)?;
        let keys = WebhookKeys::parse(secret).map_err(|_| ClientsError::WebhookSecret)?;
        for key in secret.split_whitespace() {
            if secrets.iter().any(|known| known == key) {
                return Err(ClientsError::WebhookSecretTwice);
            }
            secrets.push(key.to_owned());
        }
        self.webhook_keys.push((owner.clone(), keys));
        Ok(())
    }

    fn add(&mut self, owner: Owner, token: Value) -> Result<(), ClientsError> {
        let Value::String(token) = token else { return Err(ClientsError::Token) };
        if PresentedToken::read(&format!("Bearer {token}"))
            .and_then(|presented| self.of(&presented))
            .is_some()
        {
            return Err(ClientsError::Twice);
        }
        let token = BearerToken::new(token, 1).ok_or(ClientsError::Token)?;
        self.tokens.push((owner, token));
        Ok(())
    }

    /// The client with the token of this `Authorization` header.
    #[must_use]
    pub fn authorized(&self, authorization: &str) -> Option<&Owner> {
        self.of(&PresentedToken::read(authorization)?)
    }

    /// The names, each once, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &Owner> {
        let mut names: Vec<&Owner> = self.tokens.iter().map(|(owner, _)| owner).collect();
        names.dedup();
        names.into_iter()
    }

    /// How many tokens the client has; 0 for an unknown name.
    #[must_use]
    pub fn token_count(&self, owner: &Owner) -> usize {
        self.tokens.iter().filter(|(known, _)| known == owner).count()
    }

    /// Whether a client has one of these keys.
    #[must_use]
    pub fn has_webhook_key_of(&self, keys: &WebhookKeys, except: &Owner) -> bool {
        self.webhook_keys.iter().any(|(owner, known)| owner != except && known.shares_key_with(keys))
    }

    /// The client's own daily limit, if it has one.
    #[must_use]
    pub fn share(&self, owner: &Owner) -> Option<Usd> {
        self.shares.iter().find(|(known, _)| known == owner).map(|(_, share)| *share)
    }

    /// The keys that sign what is sent to this client's `callback_url`s.
    #[must_use]
    pub fn webhook_keys(&self, owner: &Owner) -> Option<&WebhookKeys> {
        self.webhook_keys.iter().find(|(known, _)| known == owner).map(|(_, keys)| keys)
    }

    /// Compares all tokens, so that the time does not depend on the match.
    fn of(&self, presented: &PresentedToken) -> Option<&Owner> {
        self.tokens
            .iter()
            .fold(None, |found, (owner, token)| if token.is(presented) { Some(owner) } else { found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_identifies_its_client() {
        let clients = Clients::parse(r#"{"alice": "a-token", "bob": ["new-token", "old-token"]}"#).unwrap();
        let name = |header: &str| clients.authorized(header).map(Owner::as_str);
        assert_eq!(name("Bearer a-token"), Some("alice"));
        assert_eq!(name("Bearer new-token"), Some("bob"));
        assert_eq!(name("Bearer old-token"), Some("bob"));
        let names = clients.names().map(|name| (name.as_str(), clients.token_count(name)));
        assert_eq!(names.collect::<Vec<_>>(), [("alice", 1), ("bob", 2)]);
        assert_eq!(clients.token_count(&Owner::nobody()), 0);
        for wrong in ["", "a-token", "Bearer", "Bearer b", "Basic a-token", "Bearer a-token,new-token"] {
            assert_eq!(name(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_client_may_have_a_daily_limit() {
        let clients = Clients::parse(
            r#"{"alice": {"token": "a-token", "daily_usd": "5.00"}, "bob": {"token": ["b", "c"], "daily_usd": 2.5},
                "carol": {"token": "d"}, "dave": "e", "eve": {"token": "f", "daily_usd": 3}}"#,
        )
        .unwrap();
        let share = |name: &str| clients.share(&Owner::named(name).unwrap()).map(|share| share.to_string());
        let shares = ["alice", "bob", "carol", "dave", "eve"].map(share);
        let shares = shares.each_ref().map(Option::as_deref);
        assert_eq!(shares, [Some("5.00"), Some("2.50"), None, None, Some("3.00")]);
        for (token, name) in [("a-token", "alice"), ("b", "bob"), ("c", "bob"), ("d", "carol"), ("f", "eve")]
        {
            let client = clients.authorized(&format!("Bearer {token}"));
            assert_eq!(client.map(Owner::as_str), Some(name));
        }
    }

    #[test]
    fn a_client_may_have_webhook_keys_that_no_other_has() {
        let key = |letter: &str| format!("whsec_{}", letter.repeat(32));
        let (a, b) = (key("a"), key("b"));
        let parse = |bobs: &str| {
            let alice = format!(r#"{{"token": "t", "webhook_secret": "{a} {b}"}}"#);
            Clients::parse(&format!(
                r#"{{"alice": {alice}, "bob": {{"token": "u", "webhook_secret": {bobs}}}}}"#
            ))
        };
        let clients = parse("null").unwrap();
        let has_keys = |name: &str| clients.webhook_keys(&Owner::named(name).unwrap()).is_some();
        assert_eq!(["alice", "bob", "carol"].map(has_keys), [true, false, false]);
        assert!(clients.webhook_keys(&Owner::nobody()).is_none());
        let [alice, bob] = ["alice", "bob"].map(|name| Owner::named(name).unwrap());
        let known = |keys: &str, except: &Owner| {
            clients.has_webhook_key_of(&WebhookKeys::parse(keys).unwrap(), except)
        };
        assert!(known(&b, &bob) && known(&format!("{} {a}", key("c")), &bob));
        assert!(!known(&b, &alice) && !known(&key("c"), &bob));
        assert!(parse(&format!("\"{}\"", key("c"))).is_ok());
        let twice = parse(&format!("\"{} {b}\"", key("c"))).unwrap_err();
        assert!(twice.to_string().contains("webhook_secret twice"));
        for bad in ["\"\"", "7", "\"whsec_\"", "[]", "\"whsec_c\""] {
            let message = parse(bad).unwrap_err().to_string();
            assert!(message.contains("webhook_secret that is no text"), "{bad}: {message}");
        }
    }

    #[test]
    fn errors_do_not_contain_secrets() {
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
            (r#"{"a": {"token": "secret"}, "b": {"token": ["secret"]}}"#, "twice"),
            (r#"{"a": {"daily_usd": 5}}"#, "a token that"),
            (r#"{"a": {"token": {"token": "secret"}}}"#, "a token that"),
            (r#"{"a": {"token": "secret", "daily_usd": "much-sec"}}"#, "daily_usd that"),
            (r#"{"a": {"token": "secret", "daily_usd": -1}}"#, "daily_usd that"),
            (r#"{"a": {"token": "secret", "daily_usd": [5]}}"#, "daily_usd that"),
            (r#"{"a": {"token": "secret", "sec": 5}}"#, "more than"),
        ] {
            let message = Clients::parse(json).unwrap_err().to_string();
            let is_quoted = message.replace("webhook_secret", "").contains("sec");
            assert!(message.contains(problem) && !is_quoted, "{json}: {message}");
        }
    }
}
