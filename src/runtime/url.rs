//! Parses URLs with the runtime's parser.

use worker::web_sys;

use crate::video::links::url::{Url, has_user_info};

/// Parses an absolute URL; `None` if it is invalid.
#[must_use]
pub fn parse(text: &str) -> Option<Url> {
    web_sys::Url::new(text).ok().map(|url| Url { has_user_info: has_user_info(text), ..read(&url) })
}

/// Resolves a URL in a document at `base`.
#[must_use]
pub fn join(base: &Url, text: &str) -> Option<Url> {
    web_sys::Url::new_with_base(text, &base.href).ok().map(|url| read(&url))
}

fn read(url: &web_sys::Url) -> Url {
    Url {
        href: url.href(),
        scheme: url.protocol().trim_end_matches(':').to_owned(),
        host: url.hostname(),
        port: url.port().parse().ok(),
        has_user_info: !url.username().is_empty() || !url.password().is_empty(),
        path: url.pathname(),
        query: url.search().trim_start_matches('?').to_owned(),
    }
}
