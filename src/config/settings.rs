//! The names, defaults and formats of the settings.

use std::str::FromStr;

use super::setting_text::Found;
use crate::video::links::image_url;
use crate::video::links::url::{ParseUrl, Url};
use crate::video::money::Usd;
use crate::video::time::Millis;

/// The vars of `wrangler.toml` with their defaults.
pub const DEFAULTS: [(&str, &str); 23] = [
    ("WIRO_API_URL", "https://api.wiro.ai/v1"),
    ("WIRO_SOCKET_URL", "wss://socket.wiro.ai/v1"),
    ("MODELS", "hailuo-2.3,hailuo-2.3-fast"),
    ("PUBLIC_URL", ""),
    ("OUTPUT_HOSTS", "wiro.ai"),
    ("ALLOWED_ORIGINS", "*"),
    ("SUBMIT_PER_MINUTE", "10"),
    ("VISITS_PER_MINUTE", "600"),
    ("UPLOAD_MIB_PER_DAY", "1024"),
    ("MAX_ACTIVE", "0"),
    ("DAILY_BUDGET_USD", ""),
    ("PRICES_USD", ""),
    ("POLL_SECONDS", "30,45,60,90,120,180,300"),
    ("SEARCH_SECONDS", "30,60,120,300,600"),
    ("RETRY_SECONDS", "2,5,15,60,300"),
    ("TASK_DEADLINE_SECONDS", "7200"),
    ("COPY_DEADLINE_SECONDS", "86400"),
    ("RETENTION_DAYS", "30"),
    ("PURGE_UPSTREAM", "false"),
    ("NOTIFY_URL", ""),
    ("NOTIFY_SECONDS", "5,300,1800,7200,18000,36000,36000"),
    ("TURNSTILE_SITE_KEY", ""),
    ("TURNSTILE_VERIFY_URL", "https://challenges.cloudflare.com/turnstile/v0/siteverify"),
];

/// The secrets, which have no default.
const SECRETS: [&str; 8] = [
    "WIRO_API_KEY",
    "WIRO_API_SECRET",
    "SIGNING_KEY",
    "SIGNING_KEY_PREVIOUS",
    "CLIENT_TOKENS",
    "OPERATOR_TOKEN",
    "NOTIFY_SECRET",
    "TURNSTILE_SECRET",
];

/// A setting of earlier versions: where it is still set, that is an error.
const GONE: &str = "WIRO_MODEL";

/// The names of all settings.
pub fn names() -> impl Iterator<Item = &'static str> {
    DEFAULTS.iter().map(|(name, _)| *name).chain(SECRETS).chain([GONE])
}

/// A hundred years, far from an overflow.
const MAX_RETENTION: Millis = Millis::from_seconds(36_500 * 86_400);

/// Reads settings and collects their problems.
pub struct Reader<F> {
    lookup: F,
    pub problems: Vec<String>,
}

impl<F: Fn(&str) -> Found> Reader<F> {
    /// `lookup` finds a setting; an empty text counts as not set.
    pub const fn new(lookup: F) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// An unusable value is reported as a problem and read as `None`.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let text = (self.lookup)(name).unwrap_or_else(|unusable| {
            self.problem(name, &unusable.to_string());
            None
        })?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Whether it is present, even if it is unusable.
    pub fn is_set(&self, name: &str) -> bool {
        (self.lookup)(name).map_or(true, |text| text.is_some_and(|text| !text.trim().is_empty()))
    }

    fn text_or_default(&mut self, name: &str) -> String {
        let default = || DEFAULTS.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        self.text(name).unwrap_or_else(|| default().to_owned())
    }

    pub fn required(&mut self, name: &str) -> String {
        if !self.is_set(name) {
            self.problem(name, "is not set");
        }
        self.text(name).unwrap_or_default()
    }

    pub fn parse<T, E: ToString>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text_or_default(name);
        self.check(name, parse(&text))
    }

    /// An optional setting. A malformed value is reported and read as `None`.
    pub fn optional<T, E: ToString>(
        &mut self,
        name: &str,
        parse: impl Fn(String) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        self.check(name, parse(text))
    }

    fn check<T, E: ToString>(&mut self, name: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.problem(name, &error.to_string())).ok()
    }

    /// A setting that must not be set.
    pub fn refuse(&mut self, name: &'static str, rule: &str) {
        if self.text(name).is_some() {
            self.problem(name, rule);
        }
    }

    pub fn problem(&mut self, name: &str, problem: &str) {
        self.problems.push(format!("{name} {problem}"));
    }
}

/// An https URL, or an http URL of this machine, without a trailing slash.
pub fn base_url(text: &str, parse_url: ParseUrl) -> Result<String, &'static str> {
    const RULE: &str = "must be an https URL without query (http only for localhost)";
    let url = parse_url(text).ok_or(RULE)?;
    if !url.is_secure() || url.href.contains(['?', '#']) || url.has_user_info {
        return Err(RULE);
    }
    Ok(url.href.trim_end_matches('/').to_owned())
}

/// Letters, digits, `-` and `_`, because the key becomes part of a URL.
pub fn site_key(text: String) -> Result<String, &'static str> {
    let is_key = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_key.then_some(text).ok_or("must be letters, digits, - and _, as Cloudflare gives it")
}

pub fn socket_url(text: &str, parse_url: ParseUrl) -> Result<String, &'static str> {
    let rest = text.strip_prefix("ws").ok_or("must be a wss URL without query (ws only for localhost)")?;
    base_url(&format!("http{rest}"), parse_url)
        .map_err(|_| "must be a wss URL without query (ws only for localhost)")
}

/// An https URL on a public host, or any URL of this machine.
pub fn webhook_url(text: &str, parse_url: ParseUrl) -> Result<String, &'static str> {
    let is_here = |url: &Url| url.is_loopback() && url.is_secure() && !url.has_user_info;
    if parse_url(text).is_some_and(|url| is_here(&url)) || image_url::check(text, parse_url).is_ok() {
        Ok(text.to_owned())
    } else {
        Err("must be an https URL on a public host (http only for localhost)")
    }
}

pub fn positive<T: FromStr + PartialOrd + From<u8>>(text: &str) -> Result<T, &'static str> {
    match text.parse::<T>() {
        Ok(value) if value > T::from(0) => Ok(value),
        _ => Err("must be a whole number above 0"),
    }
}

pub fn whole_number(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "must be a whole number")
}

/// An empty text means no limit.
pub fn amount(text: &str) -> Result<Option<Usd>, &'static str> {
    match Usd::parse(text) {
        None if !text.is_empty() => Err("must be an amount such as 20 or 7.50"),
        amount => Ok(amount),
    }
}

pub fn days(text: &str) -> Result<Millis, &'static str> {
    match Millis::parse(text, Millis::from_seconds(86_400)) {
        Some(time) if time > Millis::new(0) && time <= MAX_RETENTION => Ok(time),
        _ => Err("must be a number of days above 0 and up to 36500, such as 30 or 0.5"),
    }
}
