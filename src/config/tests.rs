use super::settings::DEFAULTS;
use super::*;

fn read(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let required = [("WIRO_API_KEY", "key"), ("SIGNING_KEY", "0123456789abcdef0123456789abcdef")];
    Config::read(
        |name| {
            let found = settings.iter().chain(&required).find(|(known, _)| *known == name);
            Ok(found.map(|(_, value)| (*value).to_owned()))
        },
        crate::video::links::url::native::parse,
    )
}

#[test]
fn defaults_are_valid_and_equal_wrangler_toml() {
    assert!(read(&[]).is_ok());
    let wrangler = include_str!("../../wrangler.toml");
    for (name, default) in DEFAULTS {
        assert!(wrangler.contains(&format!("\n{name} = \"{default}\"\n")), "{name}");
    }
}

/// A present setting that cannot be read never counts as not set.
#[test]
fn an_unusable_setting_is_its_only_problem() {
    use super::setting_text::Unusable;
    use super::settings::names;
    for bad in names() {
        let lookup = |name: &str| match name {
            _ if name == bad => Err(Unusable::Kind),
            "WIRO_API_KEY" => Ok(Some("key".to_owned())),
            "SIGNING_KEY" => Ok(Some("k".repeat(32))),
            "NOTIFY_URL" if bad == "NOTIFY_SECRET" => Ok(Some("https://ops.example/".to_owned())),
            "TURNSTILE_SITE_KEY" if bad == "TURNSTILE_SECRET" => Ok(Some("k".to_owned())),
            "NOTIFY_SECRET" => Ok(Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())),
            _ => Ok(None),
        };
        let problems = Config::read(lookup, crate::video::links::url::native::parse).unwrap_err().0;
        assert_eq!(problems, [format!("{bad} {}", Unusable::Kind)]);
    }
}

#[test]
fn each_setting_is_in_the_lists_of_names() {
    use super::settings::names;
    let read = RefCell::new(Vec::new());
    let lookup = |name: &str| {
        read.borrow_mut().push(name.to_owned());
        Ok(None)
    };
    assert!(Config::read(lookup, crate::video::links::url::native::parse).is_err());
    let read = read.into_inner();
    assert!(read.iter().all(|name| names().any(|known| known == name)), "{read:?}");
    assert!(names().all(|known| read.iter().any(|name| known == name)), "{read:?}");
}

#[test]
fn all_invalid_settings_are_named_without_values() {
    let error = read(&[
        ("WIRO_API_KEY", " "),
        ("SIGNING_KEY", "short-secret"),
        ("WIRO_API_URL", "http://example.com/"),
        ("MODELS", "hailuo"),
        ("WIRO_MODEL", "minimax/hailuo-2-3"),
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
    assert_eq!(error.0.len(), 18, "{error}");
    assert!(error.0.contains(&"WIRO_API_KEY is not set".to_owned()));
    assert!(!error.to_string().contains("short-"));
}

#[test]
fn an_api_key_must_be_a_valid_header() {
    for key in ["clé", "a b", "a\nb"] {
        assert!(read(&[("WIRO_API_KEY", key)]).is_err(), "{key:?}");
    }
}

#[test]
fn a_webhook_needs_a_public_url_and_a_key() {
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
        "http://:@127.0.0.1/",
        "https://:@ops.example/",
        "https://ops.svc/",
        "https://168.63.129.16/",
        "https://010.8.8.8/",
        "https://ex%61mple.com/",
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
fn turnstile_is_used_only_without_client_tokens() {
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
fn zero_means_no_limit_and_days_may_be_fractions() {
    let policy = read(&[]).unwrap().policy;
    assert_eq!((policy.max_active, policy.retention), (None, Millis::from_seconds(30 * 86_400)));
    let policy = read(&[("MAX_ACTIVE", "3"), ("RETENTION_DAYS", "0.5")]).unwrap().policy;
    assert_eq!((policy.max_active, policy.retention), (Some(3), Millis::from_seconds(43_200)));
}

#[test]
fn budget_and_client_limit_apply_to_a_client() {
    let tokens = r#"{"alice": {"token": "a", "daily_usd": 1}, "bob": "b"}"#;
    let config = read(&[("DAILY_BUDGET_USD", "7.50"), ("CLIENT_TOKENS", tokens)]).unwrap();
    let limits = |name: &str| config.limits(&Owner::named(name).unwrap(), &ManagedClients::default());
    let (budget, share) = (Usd::parse("7.5"), Usd::parse("1"));
    assert_eq!(limits("alice"), Limits { budget, share });
    assert_eq!(limits("bob"), Limits { budget, share: None });
    assert!(read(&[]).unwrap().limits(&Owner::nobody(), &ManagedClients::default()).is_unlimited());
    // Nothing may be spent, which is not the same as no limit.
    let none =
        read(&[("DAILY_BUDGET_USD", "0")]).unwrap().limits(&Owner::nobody(), &ManagedClients::default());
    assert_eq!(none.budget, Some(Usd::default()));
}

#[test]
fn urls_lose_their_trailing_slash() {
    let config = read(&[("PUBLIC_URL", "https://video.example/"), ("MAX_ACTIVE", "0")]).unwrap();
    assert_eq!(config.public_url.as_deref(), Some("https://video.example"));
    let config = read(&[("WIRO_API_URL", "http://127.0.0.1:9090/v1")]).unwrap();
    assert_eq!(config.wiro_api_url, "http://127.0.0.1:9090/v1");
}
