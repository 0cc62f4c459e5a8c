//! Which links to a first frame are passed on: https on a public host.
//!
//! Wiro fetches the link, not this Worker; the rule keeps it from being pointed at somebody's inside. The
//! operator's webhook is held to it too.

use std::net::{Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use super::url::{Host, ParseUrl};

/// Longest link, in characters.
pub const MAX_URL_CHARS: usize = 2048;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum ImageUrlError {
    #[error("must be an absolute https URL with an ASCII host name (punycode for others)")]
    Unreadable,
    #[error("must start with https://")]
    NotHttps,
    #[error("must not carry a user name or password")]
    UserInfo,
    #[error("must name a public host")]
    PrivateHost,
}

const SCHEME: &str = "https://";

/// Whether the link may be handed to the upstream.
///
/// The URL is read by the WHATWG rules that browsers and servers share, so decimal, octal and hex
/// spellings of an address are seen as the address they are.
///
/// # Errors
/// The first rule that the link breaks.
pub fn check(text: &str, parse: ParseUrl) -> Result<(), ImageUrlError> {
    // Readers disagree about backslashes; the next one might see another host.
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(ImageUrlError::Unreadable);
    }
    let url = parse(text).ok_or(ImageUrlError::Unreadable)?;
    if url.scheme != "https" {
        return Err(ImageUrlError::NotHttps);
    }
    // They disagree about `https:host` and `https:///host` too, and about what other scripts mean in a
    // host name.
    let (scheme, rest) = text.split_at_checked(SCHEME.len()).unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(SCHEME) || authority.is_empty() || !authority.is_ascii() {
        return Err(ImageUrlError::Unreadable);
    }
    if url.has_user_info {
        return Err(ImageUrlError::UserInfo);
    }
    let public = match url.host() {
        Some(Host::Domain(name)) => is_public_name(name),
        Some(Host::Ipv4(address)) => is_public_ipv4(address),
        Some(Host::Ipv6(address)) => is_public_ipv6(address),
        None => false,
    };
    if public { Ok(()) } else { Err(ImageUrlError::PrivateHost) }
}

/// A name with a dot that is not under a suffix reserved for inside use.
fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    match name.rsplit_once('.') {
        Some((_, suffix)) => {
            !matches!(suffix, "localhost" | "local" | "internal") && !name.ends_with(".home.arpa")
        }
        None => false,
    }
}

/// Outside the special-purpose blocks of the IANA IPv4 registry.
const fn is_public_ipv4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

/// Inside global unicast (`2000::/3`), without its blocks for documentation, protocols and tunnels.
/// Mapped and translated IPv4 addresses lie outside and are refused with the rest.
const fn is_public_ipv6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    matches!(a, 0x2000..=0x3fff)
        && !matches!((a, b), (0x2001, 0..=0x01ff | 0x0db8) | (0x2002, _) | (0x3fff, 0..=0x0fff))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::url::native;

    #[test]
    fn public_links_pass() {
        for link in [
            "https://example.com/cat.png",
            "https://cdn.example.co.uk:8443/a?b=c#d",
            "https://93.184.216.34/cat.png",
            "https://[2606:2800:220:1:248:1893:25c8:1946]/cat.png",
            "https://xn--bcher-kva.example/a.png",
        ] {
            assert_eq!(check(link, native::parse), Ok(()), "{link}");
        }
    }

    #[test]
    fn private_hosts_are_refused_in_every_spelling() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "api.localhost",
            "printer.local",
            "printer.local.",
            "metadata.google.internal",
            "intranet",
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "0",
            "10.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "%31%32%37.0.0.1",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:93.184.216.34]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd12:3456::1]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
        ] {
            let link = format!("https://{host}/cat.png");
            assert_eq!(check(&link, native::parse), Err(ImageUrlError::PrivateHost), "{link}");
        }
    }

    #[test]
    fn other_rules_name_what_is_wrong() {
        for (link, problem) in [
            ("http://example.com/", ImageUrlError::NotHttps),
            ("ftp://example.com/", ImageUrlError::NotHttps),
            ("data:image/png;base64,AAAA", ImageUrlError::NotHttps),
            ("https://user@example.com/", ImageUrlError::UserInfo),
            ("https://user:pass@example.com/", ImageUrlError::UserInfo),
            ("https://example.com@127.0.0.1/", ImageUrlError::UserInfo),
            ("cat.png", ImageUrlError::Unreadable),
            ("https://", ImageUrlError::Unreadable),
            ("https://exa mple.com/", ImageUrlError::Unreadable),
            (" https://example.com/", ImageUrlError::Unreadable),
            ("https://[::1/", ImageUrlError::Unreadable),
            ("https://1.2.3.256/", ImageUrlError::Unreadable),
            (r"https://example.com\@127.0.0.1/", ImageUrlError::Unreadable),
            (r"https:\\example.com/", ImageUrlError::Unreadable),
            ("https:example.com/://", ImageUrlError::Unreadable),
            ("https:/example.com/", ImageUrlError::Unreadable),
            ("https:////example.com/", ImageUrlError::Unreadable),
            ("https://bücher.example/", ImageUrlError::Unreadable),
            ("https://１２７.０.０.１/", ImageUrlError::Unreadable),
            ("https://127。0。0。1/", ImageUrlError::Unreadable),
        ] {
            assert_eq!(check(link, native::parse), Err(problem), "{link}");
        }
    }
}
