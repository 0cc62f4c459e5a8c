//! The settings as the Worker uses them: read once for an isolate, checked all at once.

mod bound_settings;
pub mod offered_models;
pub mod prices;
mod setting_text;
pub mod settings;

use std::cell::RefCell;
use std::rc::Rc;

use thiserror::Error;
use worker::Env;

use self::offered_models::OfferedModels;
use self::setting_text::Found;
use self::settings::{Reader, amount, base_url, days, positive, site_key, socket_url, webhook_url, whole};
use crate::http::origins::AllowedOrigins;
use crate::http::turnstile::Secret;
use crate::runtime::log::{self, Level};
use crate::runtime::url;
use crate::video::access::bearer::BearerToken;
use crate::video::access::clients::Clients;
use crate::video::access::keys::{MIN_SIGNING_KEY_BYTES, SigningKeys};
use crate::video::access::owner::Owner;
use crate::video::access::webhook_key::WebhookKey;
use crate::video::lifecycle::Policy;
use crate::video::lifecycle::schedule::Ladder;
use crate::video::links::output_hosts::OutputHosts;
use crate::video::links::url::ParseUrl;
use crate::video::money::Usd;
use crate::video::money::budget::{Limits, Prices};
use crate::video::time::Millis;
use crate::wiro::sign::Credentials;

/// What [`Config::protection`] says when nothing does.
const UNPROTECTED: &str = "none";

/// Shortest `OPERATOR_TOKEN` that is accepted.
const MIN_OPERATOR_TOKEN_CHARS: usize = 32;

#[derive(Debug)]
pub struct Config {
    pub credentials: Credentials,
    pub signing_keys: SigningKeys,
    /// Without a trailing slash.
    pub wiro_api_url: String,
    /// With the scheme of HTTP, as the runtime wants it for an upgrade.
    pub wiro_socket_url: String,
    pub models: OfferedModels,
    /// Without a trailing slash; `None` for the request's own origin.
    pub public_url: Option<String>,
    pub output_hosts: OutputHosts,
    /// Whose pages may use the API.
    pub allowed_origins: AllowedOrigins,
    /// Submits of a client, or of an address; `None` for as many as it likes.
    pub submits_per_minute: Option<u32>,
    /// Requests of an address.
    pub visits_per_minute: Option<u32>,
    /// Without them, whoever comes is a client, and nobody in particular.
    pub clients: Option<Clients>,
    /// What everybody has to pass, where there are no clients.
    pub turnstile: Option<Turnstile>,
    /// Without one, nobody is the operator.
    pub operator_token: Option<BearerToken>,
    /// Told of every video that ends.
    pub webhook: Option<Webhook>,
    /// What everybody together may spend in a day.
    pub daily_budget: Option<Usd>,
    /// What videos cost when the upstream does not tell.
    pub prices: Prices,
    pub policy: Policy,
}

/// Cloudflare's challenge for people.
#[derive(Debug)]
pub struct Turnstile {
    pub secret: Secret,
    /// What a page renders the widget with. Without one our own page cannot.
    pub site_key: Option<String>,
    pub verify_url: String,
}

/// `NOTIFY_URL`, and what signs for it.
#[derive(Debug)]
pub struct Webhook {
    pub url: String,
    pub key: WebhookKey,
}

/// Every setting that is missing or malformed, by name; never its value.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}", .0.join("; "))]
pub struct ConfigError(pub Vec<String>);

thread_local! {
    /// Settings do not change while an isolate lives.
    static CACHED: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
}

impl Config {
    /// Makes ready what [`of`](Self::of) reads: secrets of a store come by a promise. Every event from the runtime comes
    /// by here first; once the settings are known it costs nothing.
    pub async fn prepare(env: &Env) {
        if CACHED.with_borrow(Option::is_none) {
            bound_settings::read_secrets(env).await;
        }
    }

    /// The settings of this deployment.
    ///
    /// # Errors
    /// [`ConfigError`]; it is not cached, and the next request reads again.
    pub fn of(env: &Env) -> Result<Rc<Self>, ConfigError> {
        if let Some(config) = CACHED.with_borrow(Clone::clone) {
            return Ok(config);
        }
        let config = Rc::new(Self::read(|name| bound_settings::lookup(env, name), url::parse)?);
        if config.protection() == UNPROTECTED {
            log::write(Level::Warn, "anybody may submit videos: set CLIENT_TOKENS or TURNSTILE_SECRET", []);
        }
        if config.turnstile.as_ref().is_some_and(|turnstile| turnstile.site_key.is_none()) {
            log::write(Level::Warn, "the page cannot show the challenge: set TURNSTILE_SITE_KEY", []);
        }
        CACHED.set(Some(Rc::clone(&config)));
        bound_settings::forget_secrets();
        Ok(config)
    }

    /// What keeps strangers from submitting.
    #[must_use]
    pub const fn protection(&self) -> &'static str {
        match (&self.clients, &self.turnstile) {
            (Some(_), _) => "tokens",
            (None, Some(_)) => "turnstile",
            (None, None) => UNPROTECTED,
        }
    }

    /// What that client may spend in a day.
    #[must_use]
    pub fn limits(&self, owner: &Owner) -> Limits {
        let share = self.clients.as_ref().and_then(|clients| clients.share(owner));
        Limits { budget: self.daily_budget, share }
    }

    /// Reads the settings from wherever `lookup` finds them; an empty text counts as not set.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn read(lookup: impl Fn(&str) -> Found, parse_url: ParseUrl) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let api_key = reader.required("WIRO_API_KEY");
        if !api_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            reader.problem("WIRO_API_KEY", "must be visible ASCII characters: it is sent as a header");
        }
        let api_secret = reader.text("WIRO_API_SECRET");
        let signing_key = reader.required("SIGNING_KEY");
        let credentials = Credentials::new(api_key, api_secret.as_deref()).ok();
        let signing_keys = SigningKeys::derive(signing_key.as_bytes()).ok();
        let too_short = format!("must have at least {MIN_SIGNING_KEY_BYTES} characters");
        if signing_keys.is_none() && !signing_key.is_empty() {
            reader.problem("SIGNING_KEY", &too_short);
        }
        let previous_keys = reader.optional("SIGNING_KEY_PREVIOUS", |key| {
            SigningKeys::derive(key.as_bytes()).map_err(|_| &too_short)
        });
        let clients = reader.optional("CLIENT_TOKENS", |json| Clients::parse(&json));
        let operator_token = reader.optional("OPERATOR_TOKEN", |token| {
            let rule = format!("must have at least {MIN_OPERATOR_TOKEN_CHARS} visible ASCII characters");
            BearerToken::new(token, MIN_OPERATOR_TOKEN_CHARS).ok_or(rule)
        });
        let wiro_api_url = reader.parse("WIRO_API_URL", |url| base_url(url, parse_url));
        let wiro_socket_url = reader.parse("WIRO_SOCKET_URL", |url| socket_url(url, parse_url));
        let models = reader.parse("MODELS", OfferedModels::parse);
        if reader.text("WIRO_MODEL").is_some() {
            reader.problem("WIRO_MODEL", "is gone: remove it, and where it was not hailuo-2.3 set MODELS");
        }
        let public_url = reader.optional("PUBLIC_URL", |url| base_url(&url, parse_url));
        let output_hosts = reader.parse("OUTPUT_HOSTS", |hosts| OutputHosts::parse(hosts, parse_url));
        let allowed_origins =
            reader.parse("ALLOWED_ORIGINS", |origins| AllowedOrigins::parse(origins, parse_url));
        let submits_per_minute = reader.parse("SUBMIT_PER_MINUTE", whole);
        let visits_per_minute = reader.parse("VISITS_PER_MINUTE", whole);
        let max_active = reader.parse("MAX_ACTIVE", whole);
        let daily_budget = reader.parse("DAILY_BUDGET_USD", amount);
        let prices = reader.parse("PRICES_USD", Prices::parse);
        if names_another_model(prices.as_ref(), models.as_ref()) {
            reader.problem("PRICES_USD", "names a model that is not one of MODELS");
        }
        let poll = reader.parse("POLL_SECONDS", Ladder::parse);
        let search = reader.parse("SEARCH_SECONDS", Ladder::parse);
        let retry = reader.parse("RETRY_SECONDS", Ladder::parse);
        let task_deadline = reader.parse("TASK_DEADLINE_SECONDS", positive::<u32>);
        let copy_deadline = reader.parse("COPY_DEADLINE_SECONDS", positive::<u32>);
        let retention = reader.parse("RETENTION_DAYS", days);
        let purge_upstream =
            reader.parse("PURGE_UPSTREAM", |flag| flag.parse::<bool>().map_err(|_| "must be true or false"));
        let notify_url = reader.optional("NOTIFY_URL", |url| webhook_url(&url, parse_url));
        let notify_key = reader.optional("NOTIFY_SECRET", |key| WebhookKey::parse(&key));
        if reader.is_set("NOTIFY_URL") && !reader.is_set("NOTIFY_SECRET") {
            reader.problem("NOTIFY_SECRET", "is not set; it signs what is sent to NOTIFY_URL");
        }
        let notify = reader.parse("NOTIFY_SECONDS", Ladder::parse);
        let turnstile_secret = reader.text("TURNSTILE_SECRET").map(Secret::new);
        let site_key = reader.optional("TURNSTILE_SITE_KEY", site_key);
        if site_key.is_some() && !reader.is_set("TURNSTILE_SECRET") {
            reader.problem("TURNSTILE_SECRET", "is not set; TURNSTILE_SITE_KEY protects nothing alone");
        }
        let verify_url = reader.parse("TURNSTILE_VERIFY_URL", |url| base_url(url, parse_url));
        let problems = reader.problems;
        let all = || {
            Some(Self {
                credentials: credentials?,
                signing_keys: signing_keys?.instead_of(previous_keys),
                wiro_api_url: wiro_api_url?,
                wiro_socket_url: wiro_socket_url?,
                models: models?,
                public_url,
                output_hosts: output_hosts?,
                allowed_origins: allowed_origins?,
                submits_per_minute: Some(submits_per_minute?).filter(|max| *max > 0),
                visits_per_minute: Some(visits_per_minute?).filter(|max| *max > 0),
                turnstile: match turnstile_secret {
                    Some(secret) if clients.is_none() => {
                        Some(Turnstile { secret, site_key, verify_url: verify_url? })
                    }
                    _ => None,
                },
                clients,
                operator_token,
                daily_budget: daily_budget?,
                prices: prices?,
                policy: Policy {
                    notify: notify.filter(|_| notify_url.is_some()),
                    max_active: Some(max_active?).filter(|max| *max > 0),
                    poll: poll?,
                    search: search?,
                    retry: retry?,
                    purge_upstream: purge_upstream?,
                    task_deadline: Millis::from_seconds(task_deadline?.into()),
                    copy_deadline: Millis::from_seconds(copy_deadline?.into()),
                    retention: retention?,
                },
                webhook: notify_url.zip(notify_key).map(|(url, key)| Webhook { url, key }),
            })
        };
        match all() {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError(problems)),
        }
    }
}

/// Whether there is a price for a model that is not offered.
fn names_another_model(prices: Option<&Prices>, models: Option<&OfferedModels>) -> bool {
    let Some((prices, models)) = prices.zip(models) else { return false };
    prices.models().any(|name| models.all().all(|model| model.name != name))
}

#[cfg(test)]
mod tests;
