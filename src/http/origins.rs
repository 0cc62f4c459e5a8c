//! Which pages may use the API from a browser. Pure: `ALLOWED_ORIGINS` and a request's `Origin` in, what its
//! answer says in turn out. A client that is no browser sends no `Origin`, and gains nothing by that.

use thiserror::Error;

use crate::video::links::url::ParseUrl;

/// `ALLOWED_ORIGINS`; `None` for any.
#[derive(Debug, PartialEq, Eq)]
pub struct AllowedOrigins(Option<Vec<String>>);

#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "must be * or a comma-separated list of origins, such as https://app.example (http only for localhost)"
)]
pub struct NotOrigins;

/// Where a browser says that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// No page of another origin.
    Own,
    Allowed(&'a str),
    Stranger,
}

impl AllowedOrigins {
    /// # Errors
    /// [`NotOrigins`].
    pub fn parse(text: &str, parse_url: ParseUrl) -> Result<Self, NotOrigins> {
        if text.trim() == "*" {
            return Ok(Self(None));
        }
        let origins = text.split(',').map(str::trim).map(|written| {
            let url = parse_url(written).ok_or(NotOrigins)?;
            // Exactly as a browser writes it: what is compared must be the same.
            if url.is_secure() && url.origin() == written && !written.contains('*') {
                Ok(written.to_owned())
            } else {
                Err(NotOrigins)
            }
        });
        Ok(Self(Some(origins.collect::<Result<_, _>>()?)))
    }

    /// Those that are listed by name.
    pub fn listed(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flatten()
    }

    /// Whether no origin is a stranger.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.0.is_none()
    }

    /// What `origin`, the header, is to a service that is reached at `own`. `site` is the browser's own
    /// `Sec-Fetch-Site`, which no page can write.
    #[must_use]
    pub fn judge(&self, origin: Option<&str>, site: Option<&str>, own: &str) -> Origin<'_> {
        let Some(origin) = origin else { return Origin::Own };
        let Some(allowed) = &self.0 else { return Origin::Allowed("*") };
        match allowed.iter().find(|known| *known == origin) {
            Some(known) => Origin::Allowed(known),
            None if origin == own || site == Some("same-origin") => Origin::Own,
            None => Origin::Stranger,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::links::url::native::parse;

    const OWN: &str = "https://video.example";

    fn allowed(setting: &str) -> AllowedOrigins {
        AllowedOrigins::parse(setting, parse).unwrap()
    }

    fn judged<'a>(allowed: &'a AllowedOrigins, origin: &str) -> Origin<'a> {
        allowed.judge(Some(origin), None, OWN)
    }

    #[test]
    fn a_listed_origin_is_allowed_and_nothing_like_it() {
        let allowed = allowed("https://app.example, http://localhost:3000");
        for origin in ["https://app.example", "http://localhost:3000"] {
            assert_eq!(judged(&allowed, origin), Origin::Allowed(origin));
        }
        for origin in [
            "null",
            "",
            "*",
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil.example",
            "https://evil-app.example",
            "https://APP.example",
            "https://app.example/",
            "http://localhost:3001",
            "https://app.example, http://localhost:3000",
        ] {
            assert_eq!(judged(&allowed, origin), Origin::Stranger, "{origin:?}");
        }
    }

    #[test]
    fn its_own_page_and_no_browser_are_no_strangers() {
        let allowed = allowed("https://app.example");
        assert_eq!(judged(&allowed, OWN), Origin::Own);
        assert_eq!(allowed.judge(None, None, OWN), Origin::Own);
        assert_eq!(allowed.judge(Some("http://127.0.0.1:8787"), Some("same-origin"), OWN), Origin::Own);
        assert_eq!(allowed.judge(Some("http://127.0.0.1:8787"), Some("same-site"), OWN), Origin::Stranger);
    }

    #[test]
    fn any_is_any() {
        for origin in ["null", "https://app.example"] {
            assert_eq!(judged(&allowed("*"), origin), Origin::Allowed("*"));
        }
    }

    #[test]
    fn what_no_browser_would_write_is_refused() {
        for setting in [
            "",
            "app.example",
            "https://app.example/",
            "https://app.example/path",
            "https://user@app.example",
            "http://app.example",
            "https://app.example,",
            "https://*.example",
            "null",
            "https://app.example,*",
            "https://App.example",
            "https://app.example:443",
        ] {
            assert_eq!(AllowedOrigins::parse(setting, parse), Err(NotOrigins), "{setting:?}");
        }
    }
}
