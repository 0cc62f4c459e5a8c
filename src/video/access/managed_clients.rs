//! The clients that the operator manages at run time, and the pause of submits. The dispatcher stores them; every other
//! part of the Worker has a copy that is at most half a minute old.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::owner::Owner;
use super::webhook_key::WebhookKeys;
use crate::video::money::Usd;

/// The prefix of tokens that are made at run time, so that people and secret scanners recognise them.
pub const TOKEN_PREFIX: &str = "hailuo_";

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ManagedClients {
    /// Grows with every change.
    pub version: i64,
    /// Nobody may submit, and queued jobs wait.
    pub paused: bool,
    pub clients: Vec<ManagedClient>,
}

/// A client that was made at run time, or what the operator changed of a client of `CLIENT_TOKENS`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ManagedClient {
    pub name: Owner,
    /// The current token and perhaps the one before. A client of `CLIENT_TOKENS` has none here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<TokenHash>,
    #[serde(flatten)]
    pub options: ClientOptions,
    /// Unix seconds.
    pub created_at: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ClientOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_usd: Option<Usd>,
    /// Jobs that may be at Wiro at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_active: Option<u32>,
    #[serde(default)]
    pub paused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<WebhookSecret>,
}

/// Only the hash of a token is stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TokenHash {
    /// SHA-256 of the token, in hex.
    pub sha256: String,
    /// Unix seconds; `None` for the current token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// One or more `whsec_` keys that were parsed once. Secret.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct WebhookSecret(String);

impl ManagedClients {
    #[must_use]
    pub fn get(&self, name: &Owner) -> Option<&ManagedClient> {
        self.clients.iter().find(|client| client.name == *name)
    }

    /// Whether a client was made at run time, so that the API needs tokens.
    #[must_use]
    pub fn has_clients(&self) -> bool {
        self.clients.iter().any(|client| !client.tokens.is_empty())
    }

    /// The client with the token of this `Authorization` header. A name that the settings have too is `is_configured`: its
    /// tokens are those of the settings only. The hashes need no comparison in constant time, because nobody can choose
    /// the hash of a random token.
    #[must_use]
    pub fn authorized(
        &self,
        authorization: &str,
        now_seconds: i64,
        is_configured: impl Fn(&Owner) -> bool,
    ) -> Option<&Owner> {
        let sha256 = hash_of_header(authorization)?;
        let client = self.clients.iter().find(|client| {
            client.tokens.iter().any(|token| token.sha256 == sha256 && token.is_valid(now_seconds))
        })?;
        Some(&client.name).filter(|name| !is_configured(name))
    }

    /// Whether this client may not submit.
    #[must_use]
    pub fn is_paused(&self, name: &Owner) -> bool {
        self.paused || self.get(name).is_some_and(|client| client.options.paused)
    }

    #[must_use]
    pub fn daily_usd(&self, name: &Owner) -> Option<Usd> {
        self.get(name)?.options.daily_usd
    }

    #[must_use]
    pub fn webhook_keys(&self, name: &Owner) -> Option<WebhookKeys> {
        self.get(name)?.options.webhook_secret.as_ref()?.keys()
    }
}

impl ManagedClient {
    #[must_use]
    pub fn new(name: Owner, created_at: i64) -> Self {
        Self { name, tokens: Vec::new(), options: ClientOptions::default(), created_at }
    }

    /// Replaces the token. The one before stays valid for `keep_seconds`; tokens before that one do not.
    pub fn rotate(&mut self, token_sha256: String, now_seconds: i64, keep_seconds: i64) {
        let before = self.tokens.drain(..).find(|token| token.expires_at.is_none());
        self.tokens.push(TokenHash { sha256: token_sha256, expires_at: None });
        if let Some(before) = before.filter(|_| keep_seconds > 0) {
            let expires_at = Some(now_seconds.saturating_add(keep_seconds));
            self.tokens.push(TokenHash { expires_at, ..before });
        }
    }

    /// How many tokens are valid.
    #[must_use]
    pub fn valid_tokens(&self, now_seconds: i64) -> usize {
        self.tokens.iter().filter(|token| token.is_valid(now_seconds)).count()
    }
}

impl TokenHash {
    fn is_valid(&self, now_seconds: i64) -> bool {
        self.expires_at.is_none_or(|at| now_seconds < at)
    }
}

impl WebhookSecret {
    /// `None` unless it is one or more keys as in `NOTIFY_SECRET`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        WebhookKeys::parse(text).ok().map(|_| Self(text.to_owned()))
    }

    /// The keys that it holds.
    #[must_use]
    pub fn keys(&self) -> Option<WebhookKeys> {
        WebhookKeys::parse(&self.0).ok()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(redacted)")
    }
}

/// SHA-256 of a token, in hex.
#[must_use]
pub fn hash_of(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

fn hash_of_header(authorization: &str) -> Option<String> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| hash_of(token.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn owner(name: &str) -> Owner {
        Owner::named(name).unwrap()
    }

    fn with(client: ManagedClient) -> ManagedClients {
        ManagedClients { clients: vec![client], ..ManagedClients::default() }
    }

    #[test]
    fn a_rotated_token_stays_valid_for_a_while_or_not_at_all() {
        let mut client = ManagedClient::new(owner("carol"), 0);
        client.rotate(hash_of("hailuo_first"), 0, DAY);
        client.rotate(hash_of("hailuo_second"), 100, DAY);
        let authorized = |client: &ManagedClient, token: &str, now: i64| {
            with(client.clone()).authorized(&format!("Bearer {token}"), now, |_| false).is_some()
        };
        assert_eq!(client.valid_tokens(100), 2);
        for token in ["hailuo_first", "hailuo_second"] {
            assert!(authorized(&client, token, 99 + DAY), "{token}");
        }
        assert!(!authorized(&client, "hailuo_first", 100 + DAY));
        assert!(authorized(&client, "hailuo_second", 100 + DAY));
        client.rotate(hash_of("hailuo_third"), 200, DAY);
        assert!(!authorized(&client, "hailuo_first", 200));
        client.rotate(hash_of("hailuo_fourth"), 300, 0);
        assert!(!authorized(&client, "hailuo_third", 300) && authorized(&client, "hailuo_fourth", 300));
        assert!(!authorized(&client, "", 300) && !authorized(&client, "hailuo_fourthh", 300));
    }

    #[test]
    fn a_name_of_the_settings_has_only_the_tokens_of_the_settings() {
        let mut client = ManagedClient::new(owner("alice"), 0);
        client.rotate(hash_of("hailuo_other"), 0, 0);
        let clients = with(client);
        assert!(clients.has_clients());
        assert_eq!(clients.authorized("bearer hailuo_other", 0, |_| false), Some(&owner("alice")));
        assert_eq!(clients.authorized("Bearer hailuo_other", 0, |name| name.as_str() == "alice"), None);
        assert_eq!(clients.authorized("Basic hailuo_other", 0, |_| false), None);
    }

    #[test]
    fn a_client_is_stored_as_exactly_this() {
        let secret = format!("whsec_{}", "a".repeat(32));
        let mut client = ManagedClient::new(owner("carol"), 1_700_000_000);
        client.rotate(hash_of("hailuo_token"), 0, 0);
        client.options = ClientOptions {
            daily_usd: Usd::parse("2.50"),
            max_active: Some(2),
            paused: true,
            webhook_secret: WebhookSecret::parse(&secret),
        };
        let sha256 = hex::encode(Sha256::digest("hailuo_token"));
        let stored = format!(
            r#"{{"name":"carol","tokens":[{{"sha256":"{sha256}"}}],"daily_usd":2500000,"max_active":2,"paused":true,"webhook_secret":"{secret}","created_at":1700000000}}"#
        );
        assert_eq!(serde_json::to_string(&client).unwrap(), stored);
        assert_eq!(serde_json::from_str::<ManagedClient>(&stored).unwrap(), client);
        assert!(!format!("{client:?}").contains("whsec_"));
        let least = r#"{"name":"alice","created_at":1}"#;
        assert_eq!(
            serde_json::from_str::<ManagedClient>(least).unwrap(),
            ManagedClient::new(owner("alice"), 1)
        );
    }
}
