//! The settings as the Worker uses them: read once for an isolate, checked all at once.

use std::cell::RefCell;
use std::rc::Rc;

use thiserror::Error;
use worker::Env;

use super::log::{self, Level};
use super::settings::{
    Reader, amount, base_url, binding_text, days, model_path, positive, site_key, socket_url, webhook_url,
    whole,
};
use super::url;
use crate::origins::AllowedOrigins;
use crate::turnstile::Secret;
use crate::video::bearer::BearerToken;
use crate::video::budget::{Limits, Prices};
use crate::video::clients::Clients;
use crate::video::keys::{MIN_SIGNING_KEY_BYTES, SigningKeys};
use crate::video::lifecycle::Policy;
use crate::video::money::Usd;
use crate::video::output_hosts::OutputHosts;
use crate::video::owner::Owner;
use crate::video::schedule::Ladder;
use crate::video::time::Millis;
use crate::video::url::ParseUrl;
use crate::video::webhook_key::WebhookKey;
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
    /// `owner/model`.
    pub wiro_model: String,
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
    /// The settings of this deployment.
    ///
    /// # Errors
    /// [`ConfigError`]; it is not cached, and the next request reads again.
    pub fn of(env: &Env) -> Result<Rc<Self>, ConfigError> {
        if let Some(config) = CACHED.with_borrow(Clone::clone) {
            return Ok(config);
        }
        let config = Rc::new(Self::read(|name| binding_text(env, name), url::parse)?);
        if config.protection() == UNPROTECTED {
            log::write(Level::Warn, "anybody may submit videos: set CLIENT_TOKENS or TURNSTILE_SECRET", []);
        }
        if config.turnstile.as_ref().is_some_and(|turnstile| turnstile.site_key.is_none()) {
            log::write(Level::Warn, "the page cannot show the challenge: set TURNSTILE_SITE_KEY", []);
        }
        CACHED.set(Some(Rc::clone(&config)));
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

    /// Reads the settings from wherever `lookup` finds them; an empty one counts as not set.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>, parse_url: ParseUrl) -> Result<Self, ConfigError> {
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
        let wiro_model = reader.parse("WIRO_MODEL", model_path);
        let public_url = reader.optional("PUBLIC_URL", |url| base_url(&url, parse_url));
        let output_hosts = reader.parse("OUTPUT_HOSTS", |hosts| OutputHosts::parse(hosts, parse_url));
        let allowed_origins =
            reader.parse("ALLOWED_ORIGINS", |origins| AllowedOrigins::parse(origins, parse_url));
        let submits_per_minute = reader.parse("SUBMIT_PER_MINUTE", whole);
        let visits_per_minute = reader.parse("VISITS_PER_MINUTE", whole);
        let max_active = reader.parse("MAX_ACTIVE", whole);
        let daily_budget = reader.parse("DAILY_BUDGET_USD", amount);
        let prices = reader.parse("PRICES_USD", Prices::parse);
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
        if reader.text("NOTIFY_URL").is_some() && reader.text("NOTIFY_SECRET").is_none() {
            reader.problem("NOTIFY_SECRET", "is not set; it signs what is sent to NOTIFY_URL");
        }
        let notify = reader.parse("NOTIFY_SECONDS", Ladder::parse);
        let turnstile_secret = reader.text("TURNSTILE_SECRET").map(Secret::new);
        let site_key = reader.optional("TURNSTILE_SITE_KEY", site_key);
        if site_key.is_some() && turnstile_secret.is_none() {
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
                wiro_model: wiro_model?,
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

#[cfg(test)]
mod tests {
    use super::super::settings::DEFAULTS;
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let required = [("WIRO_API_KEY", "key"), ("SIGNING_KEY", "0123456789abcdef0123456789abcdef")];
        Config::read(
            |name| {
                let found = settings.iter().chain(&required).find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            },
            crate::video::url::native::parse,
        )
    }

    #[test]
    fn the_defaults_are_valid_and_are_those_of_wrangler_toml() {
        assert!(read(&[]).is_ok());
        let wrangler = include_str!("../../wrangler.toml");
        for (name, default) in DEFAULTS {
            assert!(wrangler.contains(&format!("\n{name} = \"{default}\"\n")), "{name}");
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once_without_its_value() {
        let error = read(&[
            ("WIRO_API_KEY", " "),
            ("SIGNING_KEY", "short-secret"),
            ("WIRO_API_URL", "http://example.com/"),
            ("WIRO_MODEL", "hailuo"),
            ("PUBLIC_URL", "nonsense"),
            ("OUTPUT_HOSTS", "https://wiro.ai"),
            ("POLL_SECONDS", "0"),
            ("RETRY_SECONDS", "x"),
            ("TASK_DEADLINE_SECONDS", "-1"),
            ("COPY_DEADLINE_SECONDS", "1.5"),
            ("RETENTION_DAYS", "0"),
            ("MAX_ACTIVE", "-3"),
            ("OPERATOR_TOKEN", "short-token"),
            ("DAILY_BUDGET_USD", "-3"),
            ("PRICES_USD", "768P=1"),
            ("TURNSTILE_SITE_KEY", "<key>"),
            ("TURNSTILE_VERIFY_URL", "http://example.com/"),
        ])
        .unwrap_err();
        assert_eq!(error.0.len(), 17, "{error}");
        assert!(error.0.contains(&"WIRO_API_KEY is not set".to_owned()));
        assert!(!error.to_string().contains("short-"));
    }

    #[test]
    fn a_key_that_cannot_be_a_header_is_refused() {
        for key in ["clé", "a b", "a\nb"] {
            assert!(read(&[("WIRO_API_KEY", key)]).is_err(), "{key:?}");
        }
    }

    #[test]
    fn a_webhook_is_public_and_signed_for() {
        let with = |url, secret| read(&[("NOTIFY_URL", url), ("NOTIFY_SECRET", secret)]);
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        for url in ["https://ops.example/hook?from=videos", "http://127.0.0.1:9/hook", "http://[::1]/"] {
            let config = with(url, secret).unwrap();
            assert_eq!(config.webhook.map(|webhook| webhook.url).as_deref(), Some(url));
            assert!(config.policy.notify.is_some());
        }
        for url in [
            "http://ops.example/",
            "https://10.0.0.1/",
            "https://169.254.169.254/",
            "https://printer.local/",
            "https://intranet/",
            "https://user:pass@ops.example/",
            "http://user@127.0.0.1/",
            "ftp://127.0.0.1/",
            "/hook",
        ] {
            let problems = with(url, secret).unwrap_err().0;
            assert!(matches!(&problems[..], [one] if one.starts_with("NOTIFY_URL ")), "{url}: {problems:?}");
        }
        for secret in ["", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            let problems = with("https://ops.example/", secret).unwrap_err().0;
            assert!(matches!(&problems[..], [one] if one.starts_with("NOTIFY_SECRET ")), "{problems:?}");
        }
        let without = with("", secret).unwrap();
        assert!(without.webhook.is_none() && without.policy.notify.is_none());
    }

    #[test]
    fn a_challenge_is_for_those_without_tokens() {
        let protection = |settings: &[(&str, &str)]| read(settings).map(|config| config.protection());
        assert_eq!(protection(&[]), Ok("none"));
        assert_eq!(protection(&[("TURNSTILE_SECRET", "s")]), Ok("turnstile"));
        let tokens = ("CLIENT_TOKENS", r#"{"alice": "a"}"#);
        assert_eq!(protection(&[("TURNSTILE_SECRET", "s"), tokens]), Ok("tokens"));
        assert!(read(&[("TURNSTILE_SECRET", "s"), tokens]).unwrap().turnstile.is_none());
        let problems = protection(&[("TURNSTILE_SITE_KEY", "k")]).unwrap_err().0;
        assert!(matches!(&problems[..], [one] if one.starts_with("TURNSTILE_SECRET ")), "{problems:?}");
    }

    #[test]
    fn no_cap_is_no_cap_and_days_may_be_parts_of_days() {
        let policy = read(&[]).unwrap().policy;
        assert_eq!((policy.max_active, policy.retention), (None, Millis::from_seconds(30 * 86_400)));
        let policy = read(&[("MAX_ACTIVE", "3"), ("RETENTION_DAYS", "0.5")]).unwrap().policy;
        assert_eq!((policy.max_active, policy.retention), (Some(3), Millis::from_seconds(43_200)));
    }

    #[test]
    fn a_budget_and_a_share_limit_a_client() {
        let tokens = r#"{"alice": {"token": "a", "daily_usd": 1}, "bob": "b"}"#;
        let config = read(&[("DAILY_BUDGET_USD", "7.50"), ("CLIENT_TOKENS", tokens)]).unwrap();
        let limits = |name: &str| config.limits(&Owner::named(name).unwrap());
        let (budget, share) = (Usd::parse("7.5"), Usd::parse("1"));
        assert_eq!(limits("alice"), Limits { budget, share });
        assert_eq!(limits("bob"), Limits { budget, share: None });
        assert!(read(&[]).unwrap().limits(&Owner::nobody()).are_none());
        // Nothing may be spent, which is not the same as no limit.
        let none = read(&[("DAILY_BUDGET_USD", "0")]).unwrap().limits(&Owner::nobody());
        assert_eq!(none.budget, Some(Usd::default()));
    }

    #[test]
    fn urls_lose_their_trailing_slash() {
        let config = read(&[("PUBLIC_URL", "https://video.example/"), ("MAX_ACTIVE", "0")]).unwrap();
        assert_eq!(config.public_url.as_deref(), Some("https://video.example"));
        let config = read(&[("WIRO_API_URL", "http://127.0.0.1:9090/v1")]).unwrap();
        assert_eq!(config.wiro_api_url, "http://127.0.0.1:9090/v1");
    }
}
