//! URLs, taken apart by the runtime's own parser.

use worker::web_sys;

use crate::video::links::url::{Url, has_user_info};

/// An absolute URL; `None` for what is none.
#[must_use]
pub fn parse(text: &str) -> Option<Url> {
    web_sys::Url::new(text).ok().map(|url| Url { has_user_info: has_user_info(text), ..read(&url) })
}

/// A URL as it was written in a document at `base`.
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
