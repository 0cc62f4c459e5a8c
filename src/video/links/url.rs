//! A parsed URL. This room only checks URLs; the parser, which follows the WHATWG rules, is the runtime's, or in tests a
//! Rust library.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Parses a URL; `None` if it is invalid or not absolute.
pub type ParseUrl = fn(&str) -> Option<Url>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// The whole URL as the parser spells it.
    pub href: String,
    /// Without the colon.
    pub scheme: String,
    /// In lower case; IPv4 as four decimal numbers, IPv6 in brackets; empty without a host.
    pub host: String,
    /// `None` for the default port of the scheme.
    pub port: Option<u16>,
    /// Also true for empty user info, as in `https://:@host/`, which parsers remove.
    pub has_user_info: bool,
    pub path: String,
    /// Without the question mark.
    pub query: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    Domain(&'a str),
    Ipv4(Ipv4Addr),
    Ipv6(Ipv6Addr),
}

/// Whether there is an `@` before the host, that is user info, which may be empty.
#[must_use]
pub fn has_user_info(text: &str) -> bool {
    let (_, rest) = text.split_once(':').unwrap_or_default();
    let rest = rest.trim_start_matches(|c: char| matches!(c, '/' | '\\') || c.is_ascii_whitespace());
    rest.split(['/', '\\', '?', '#']).next().unwrap_or_default().contains('@')
}

impl Url {
    #[must_use]
    pub fn host(&self) -> Option<Host<'_>> {
        if let Some(address) = self.host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return address.parse().ok().map(Host::Ipv6);
        }
        match self.host.parse() {
            Ok(address) => Some(Host::Ipv4(address)),
            Err(_) if self.host.is_empty() => None,
            Err(_) => Some(Host::Domain(&self.host)),
        }
    }

    /// Whether the host is the local machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Whether the connection is private: https, or http on the local machine.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.scheme == "https" || (self.scheme == "http" && self.is_loopback())
    }

    /// The port of the URL, or the default port of its scheme.
    #[must_use]
    pub fn effective_port(&self) -> Option<u16> {
        self.port.or(match self.scheme.as_str() {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        })
    }

    /// Scheme, host and port, without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.scheme, self.host)
    }
}

#[cfg(test)]
pub mod native {
    //! The URL parser of the tests.

    use super::{Url, has_user_info};

    #[must_use]
    pub fn parse(text: &str) -> Option<Url> {
        let url = url::Url::parse(text).ok()?;
        Some(Url {
            href: url.as_str().to_owned(),
            scheme: url.scheme().to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port(),
            has_user_info: has_user_info(text),
            path: url.path().to_owned(),
            query: url.query().unwrap_or_default().to_owned(),
        })
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        use super::Host;
        let host = |text: &str| parse(text).unwrap();
        assert_eq!(host("https://0x7f.1/").host(), Some(Host::Ipv4([127, 0, 0, 1].into())));
        assert_eq!(host("https://[::1]:8/").host(), Some(Host::Ipv6(1.into())));
        assert_eq!(host("https://A.example:443/").host(), Some(Host::Domain("a.example")));
        assert_eq!(host("data:x").host(), None);
        assert_eq!(host("https://a.example:8443/b?c").origin(), "https://a.example:8443");
        assert_eq!(host("http://a.example/").effective_port(), Some(80));
    }

    #[test]
    fn user_info_is_found_in_every_spelling() {
        for text in [
            "https://a@b.example/",
            "https://:p@b.example/",
            "https://:@b.example/",
            "https://@b.example",
            "https:@b.example/",
            "https:\\\\:@b.example/",
            "https:///@b.example/",
            "https:/\t/@b.example/",
        ] {
            let url = parse(text).unwrap();
            assert!(url.has_user_info && url.host == "b.example", "{text}");
        }
        for text in
            ["https://b.example/@", "https://b.example?@", "https://b.example#@", "https:\\\\b.example\\@c"]
        {
            assert!(!parse(text).unwrap().has_user_info, "{text}");
        }
    }
}
