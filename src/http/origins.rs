//! Which pages may use the API in a browser: compares `ALLOWED_ORIGINS` with the `Origin` of a request, without I/O.
//! Clients other than browsers send no `Origin`, which gives them no additional rights.

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

/// The origin of the page that sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// This Worker's own page, or no page.
    Own,
    Allowed(&'a str),
    Disallowed,
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
            // It must be written exactly as browsers write it, because both are compared as text.
            if url.is_secure() && url.origin() == written && !written.contains('*') {
                Ok(written.to_owned())
            } else {
                Err(NotOrigins)
            }
        });
        Ok(Self(Some(origins.collect::<Result<_, _>>()?)))
    }

    /// The origins that the setting lists.
    pub fn listed(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flatten()
    }

    /// Whether all origins are allowed.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.0.is_none()
    }

    /// Classifies the `Origin` header. `own` is the origin of this Worker; `site` is the `Sec-Fetch-Site` header, which a
    /// page cannot change.
    #[must_use]
    pub fn classify(&self, origin: Option<&str>, site: Option<&str>, own: &str) -> Origin<'_> {
        let Some(origin) = origin else { return Origin::Own };
        let Some(allowed) = &self.0 else { return Origin::Allowed("*") };
        match allowed.iter().find(|known| *known == origin) {
            Some(known) => Origin::Allowed(known),
            None if origin == own || site == Some("same-origin") => Origin::Own,
            None => Origin::Disallowed,
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

    fn classified<'a>(allowed: &'a AllowedOrigins, origin: &str) -> Origin<'a> {
        allowed.classify(Some(origin), None, OWN)
    }

    #[test]
    fn only_exact_matches_of_listed_origins_are_allowed() {
        let allowed = allowed("https://app.example, http://localhost:3000");
        for origin in ["https://app.example", "http://localhost:3000"] {
            assert_eq!(classified(&allowed, origin), Origin::Allowed(origin));
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
            assert_eq!(classified(&allowed, origin), Origin::Disallowed, "{origin:?}");
        }
    }

    #[test]
    fn the_own_page_and_requests_without_origin_are_allowed() {
        let allowed = allowed("https://app.example");
        assert_eq!(classified(&allowed, OWN), Origin::Own);
        assert_eq!(allowed.classify(None, None, OWN), Origin::Own);
        assert_eq!(allowed.classify(Some("http://127.0.0.1:8787"), Some("same-origin"), OWN), Origin::Own);
        assert_eq!(
            allowed.classify(Some("http://127.0.0.1:8787"), Some("same-site"), OWN),
            Origin::Disallowed
        );
    }

    #[test]
    fn a_star_allows_every_origin() {
        for origin in ["null", "https://app.example"] {
            assert_eq!(classified(&allowed("*"), origin), Origin::Allowed("*"));
        }
    }

    #[test]
    fn settings_that_browsers_would_not_send_are_refused() {
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
