//! The settings as the Worker uses them: read once per isolate, all problems reported together.

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
use self::settings::{
    Reader, amount, base_url, days, positive, site_key, socket_url, webhook_url, whole_number,
};
use crate::http::origins::AllowedOrigins;
use crate::http::turnstile::Secret;
use crate::runtime::log::{self, Level};
use crate::runtime::url;
use crate::video::access::bearer::BearerToken;
use crate::video::access::clients::Clients;
use crate::video::access::keys::{MIN_SIGNING_KEY_BYTES, SigningKeys};
use crate::video::access::managed_clients::ManagedClients;
use crate::video::access::owner::Owner;
use crate::video::access::weak_clients::WeakClients;
use crate::video::access::webhook_key::WebhookKeys;
use crate::video::lifecycle::Policy;
use crate::video::lifecycle::retry_schedule::RetrySchedule;
use crate::video::links::output_hosts::OutputHosts;
use crate::video::links::url::ParseUrl;
use crate::video::money::Usd;
use crate::video::money::budget::Limits;
use crate::video::money::price_list::PriceList;
use crate::video::time::Millis;
use crate::wiro::sign::Credentials;

/// [`Config::protection`] by client tokens.
pub const TOKENS: &str = "tokens";

/// [`Config::protection`] by challenges.
pub const TURNSTILE: &str = "turnstile";

/// [`Config::protection`] without any protection.
pub const UNPROTECTED: &str = "none";

const MIB: i64 = 1024 * 1024;

/// Shortest accepted `OPERATOR_TOKEN`.
const MIN_OPERATOR_TOKEN_CHARS: usize = 32;

#[derive(Debug)]
pub struct Config {
    pub credentials: Credentials,
    pub signing_keys: SigningKeys,
    /// Without a trailing slash.
    pub wiro_api_url: String,
    /// With an HTTP scheme, as the runtime requires for an upgrade.
    pub wiro_socket_url: String,
    pub models: OfferedModels,
    /// Without a trailing slash; `None` for the request's own origin.
    pub public_url: Option<String>,
    pub output_hosts: OutputHosts,
    /// Origins whose pages may use the API.
    pub allowed_origins: AllowedOrigins,
    /// Submits of a client or an address; `None` for no limit.
    pub submits_per_minute: Option<u32>,
    /// Requests of an address; `None` for no limit.
    pub visits_per_minute: Option<u32>,
    /// Bytes that a client may upload to Wiro in a day; without clients, all callers together. `None` for no limit.
    pub upload_bytes_per_day: Option<i64>,
    /// `None` without client tokens: everyone may use the API, without an owner.
    pub clients: Option<Clients>,
    /// The challenge before a submit, if there are no clients.
    pub turnstile: Option<Turnstile>,
    /// `None` without an operator.
    pub operator_token: Option<BearerToken>,
    /// Receives every ending.
    pub webhook: Option<Webhook>,
    /// `NOTIFY_SECRET`.
    pub notify_keys: Option<WebhookKeys>,
    /// The daily budget of all clients together.
    pub daily_budget: Option<Usd>,
    /// Prices for videos that Wiro's description does not price.
    pub prices: PriceList,
    pub policy: Policy,
}

/// Cloudflare's challenge for humans.
#[derive(Debug)]
pub struct Turnstile {
    pub secret: Secret,
    /// For the page's widget. Without it our own page cannot submit.
    pub site_key: Option<String>,
    pub verify_url: String,
}

/// `NOTIFY_URL`, and the key that signs deliveries.
#[derive(Debug)]
pub struct Webhook {
    pub url: String,
    pub keys: WebhookKeys,
}

/// The names of all missing and malformed settings; never their values.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}", .0.join("; "))]
pub struct ConfigError(pub Vec<String>);

thread_local! {
    /// Settings do not change during an isolate's life.
    static CACHED: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
}

impl Config {
    /// Reads secrets from the Secrets Store, which is asynchronous, for [`of`](Self::of). Every event of the runtime
    /// calls it first; once the settings are cached it costs nothing.
    pub async fn prepare(env: &Env) {
        if CACHED.with_borrow(Option::is_none) {
            bound_settings::read_secrets(env).await;
        }
    }

    /// The settings of this deployment.
    ///
    /// # Errors
    /// [`ConfigError`]. It is not cached: the next request reads the settings again.
    pub fn of(env: &Env) -> Result<Rc<Self>, ConfigError> {
        if let Some(config) = CACHED.with_borrow(Clone::clone) {
            return Ok(config);
        }
        let config = Rc::new(Self::read(|name| bound_settings::lookup(env, name), url::parse)?);
        // An operator may have made clients at run time.
        if config.protection() == UNPROTECTED && config.operator_token.is_none() {
            log_unprotected();
        }
        if config.turnstile.as_ref().is_some_and(|turnstile| turnstile.site_key.is_none()) {
            log::write(Level::Warn, "the page cannot show the challenge: set TURNSTILE_SITE_KEY", []);
        }
        if let Ok(Some(json)) = bound_settings::lookup(env, "CLIENT_TOKENS") {
            log_weak_clients(WeakClients::of(&json));
        }
        CACHED.set(Some(Rc::clone(&config)));
        bound_settings::forget_secrets();
        Ok(config)
    }

    /// The protection against submits by strangers.
    #[must_use]
    pub const fn protection(&self) -> &'static str {
        match (&self.clients, &self.turnstile) {
            (Some(_), _) => TOKENS,
            (None, Some(_)) => TURNSTILE,
            (None, None) => UNPROTECTED,
        }
    }

    /// The daily limits of a client.
    #[must_use]
    pub fn limits(&self, owner: &Owner, managed: &ManagedClients) -> Limits {
        let share = || self.clients.as_ref().and_then(|clients| clients.share(owner));
        let share = managed.daily_usd(owner).or_else(share);
        Limits { budget: self.daily_budget, share }
    }

    /// The keys that sign what is sent to a `callback_url` of this owner: its own, or without clients `NOTIFY_SECRET`.
    #[must_use]
    pub fn owner_webhook_keys(&self, owner: &Owner, managed: &ManagedClients) -> Option<WebhookKeys> {
        let configured = || match &self.clients {
            Some(clients) => clients.webhook_keys(owner).cloned(),
            None => self.notify_keys.clone().filter(|_| owner.is_nobody()),
        };
        managed.webhook_keys(owner).or_else(configured)
    }

    /// Reads the settings with `lookup`. An empty text counts as not set.
    ///
    /// # Errors
    /// [`ConfigError`] with all problems.
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
        reader.refuse("WIRO_MODEL", "is gone: remove it, and where it was not hailuo-2.3 set MODELS");
        let public_url = reader.optional("PUBLIC_URL", |url| base_url(&url, parse_url));
        let output_hosts = reader.parse("OUTPUT_HOSTS", |hosts| OutputHosts::parse(hosts, parse_url));
        let allowed_origins =
            reader.parse("ALLOWED_ORIGINS", |origins| AllowedOrigins::parse(origins, parse_url));
        let submits_per_minute = reader.parse("SUBMIT_PER_MINUTE", whole_number);
        let visits_per_minute = reader.parse("VISITS_PER_MINUTE", whole_number);
        let upload_mib_per_day = reader.parse("UPLOAD_MIB_PER_DAY", whole_number);
        let max_active = reader.parse("MAX_ACTIVE", whole_number);
        let daily_budget = reader.parse("DAILY_BUDGET_USD", amount);
        let prices = reader.parse("PRICES_USD", PriceList::parse);
        if names_another_model(prices.as_ref(), models.as_ref()) {
            reader.problem("PRICES_USD", "names a model that is not one of MODELS");
        }
        let poll = reader.parse("POLL_SECONDS", RetrySchedule::parse);
        let search = reader.parse("SEARCH_SECONDS", RetrySchedule::parse);
        let retry = reader.parse("RETRY_SECONDS", RetrySchedule::parse);
        let task_deadline = reader.parse("TASK_DEADLINE_SECONDS", positive::<u32>);
        let copy_deadline = reader.parse("COPY_DEADLINE_SECONDS", positive::<u32>);
        let retention = reader.parse("RETENTION_DAYS", days);
        let purge_upstream =
            reader.parse("PURGE_UPSTREAM", |flag| flag.parse::<bool>().map_err(|_| "must be true or false"));
        let notify_url = reader.optional("NOTIFY_URL", |url| webhook_url(&url, parse_url));
        let notify_keys = reader.optional("NOTIFY_SECRET", |keys| WebhookKeys::parse(&keys));
        if reader.is_set("NOTIFY_URL") && !reader.is_set("NOTIFY_SECRET") {
            reader.problem("NOTIFY_SECRET", "is not set; it signs what is sent to NOTIFY_URL");
        }
        let notify = reader.parse("NOTIFY_SECONDS", RetrySchedule::parse);
        let turnstile_secret = reader.text("TURNSTILE_SECRET").map(Secret::new);
        let site_key = reader.optional("TURNSTILE_SITE_KEY", site_key);
        if site_key.is_some() && !reader.is_set("TURNSTILE_SECRET") {
            reader.problem("TURNSTILE_SECRET", "is not set; TURNSTILE_SITE_KEY protects nothing alone");
        }
        let verify_url = reader.parse("TURNSTILE_VERIFY_URL", |url| base_url(url, parse_url));
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
                upload_bytes_per_day: Some(i64::from(upload_mib_per_day?) * MIB).filter(|max| *max > 0),
                turnstile: turnstile_secret
                    .filter(|_| clients.is_none())
                    .zip(verify_url)
                    .map(|(secret, verify_url)| Turnstile { secret, site_key, verify_url }),
                clients,
                operator_token,
                daily_budget: daily_budget?,
                prices: prices?,
                policy: Policy {
                    notify: notify.clone().filter(|_| notify_url.is_some()),
                    notify_owner: notify?,
                    max_active: Some(max_active?).filter(|max| *max > 0),
                    poll: poll?,
                    search: search?,
                    retry: retry?,
                    purge_upstream: purge_upstream?,
                    task_deadline: Millis::from_seconds(task_deadline?.into()),
                    copy_deadline: Millis::from_seconds(copy_deadline?.into()),
                    retention: retention?,
                },
                webhook: notify_url.zip(notify_keys.clone()).map(|(url, keys)| Webhook { url, keys }),
                notify_keys,
            })
        };
        match all() {
            Some(config) if reader.problems.is_empty() => Ok(config),
            _ => Err(ConfigError(reader.problems)),
        }
    }
}

/// Logs that there is no protection against submits by strangers.
pub fn log_unprotected() {
    log::write(Level::Warn, "anyone can submit videos: set CLIENT_TOKENS or TURNSTILE_SECRET", []);
}

fn log_weak_clients(weak: WeakClients) {
    for name in weak.named_twice {
        let fields = [("client", name.into())];
        log::write(Level::Warn, "CLIENT_TOKENS names a client twice: only the last one counts", fields);
    }
    for name in weak.with_short_token {
        let fields = [("client", name.into())];
        log::write(
            Level::Warn,
            "a client has a token of fewer than 16 characters: it can be guessed",
            fields,
        );
    }
}

/// Whether there is a price for a model that is not offered.
fn names_another_model(prices: Option<&PriceList>, models: Option<&OfferedModels>) -> bool {
    let Some((prices, models)) = prices.zip(models) else { return false };
    prices.models().any(|name| models.all().all(|model| model.name != name))
}

#[cfg(test)]
mod tests;
