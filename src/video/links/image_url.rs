//! Checks that the URL of a frame is https on a public host.
//!
//! Wiro fetches the URL, not this Worker. The rule prevents requests to private networks. It applies to the operator's
//! webhook too.

use thiserror::Error;

use super::public_host::is_public;
use super::url::{Host, ParseUrl, Url};

/// Limit for a URL, in characters.
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
    #[error("must name its host plainly: no % in it, an IPv4 address as four decimal numbers")]
    Host,
}

const SCHEME: &str = "https://";

/// Whether the URL may be sent to Wiro.
///
/// The URL is parsed by the WHATWG rules, which also understand decimal, octal and hexadecimal spellings of an address.
/// Other parsers may find another host in such a spelling, so it is refused even if the address is public.
///
/// # Errors
/// The first rule that the URL breaks.
pub fn check(text: &str, parse: ParseUrl) -> Result<(), ImageUrlError> {
    // Parsers treat backslashes differently, so another parser might find another host.
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(ImageUrlError::Unreadable);
    }
    let url = parse(text).ok_or(ImageUrlError::Unreadable)?;
    if url.scheme != "https" {
        return Err(ImageUrlError::NotHttps);
    }
    // The same is true for `https:host`, `https:///host` and non-ASCII host names.
    let (scheme, rest) = text.split_at_checked(SCHEME.len()).unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(SCHEME) || authority.is_empty() || !authority.is_ascii() {
        return Err(ImageUrlError::Unreadable);
    }
    if url.has_user_info {
        return Err(ImageUrlError::UserInfo);
    }
    if !url.host().is_some_and(is_public) {
        return Err(ImageUrlError::PrivateHost);
    }
    if is_plain(authority, &url) { Ok(()) } else { Err(ImageUrlError::Host) }
}

/// Whether the host is spelled as the parser spells it. IPv6 may be spelled differently, because it is never ambiguous.
fn is_plain(authority: &str, url: &Url) -> bool {
    let name = authority.split(':').next().unwrap_or_default();
    matches!(url.host(), Some(Host::Ipv6(_))) || name.eq_ignore_ascii_case(&url.host)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::video::links::url::native;

    fn checked(host: &str) -> Result<(), ImageUrlError> {
        check(&format!("https://{host}/cat.png"), native::parse)
    }

    #[test]
    fn urls_of_public_hosts_are_accepted() {
        for link in [
            "https://example.com/cat.png",
            "https://EXAMPLE.com./cat.png",
            "https://cdn.example.co.uk:8443/a?b=c#d",
            "https://93.184.216.34/cat.png",
            "https://[2606:2800:220:1:248:1893:25c8:1946]/cat.png",
            "https://[2606:2800:0220:0001:0248:1893:25C8:1946]:8443/cat.png",
            "https://xn--bcher-kva.example/a.png",
            "https://a_b.example.xn--p1ai/a.png",
            "https://example.com/a@b/%2e?c@d#e@f",
        ] {
            assert_eq!(check(link, native::parse), Ok(()), "{link}");
        }
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "prints the table of cases with --nocapture")]
    fn other_spellings_of_a_host_are_refused() {
        use ImageUrlError::{Host, PrivateHost, Unreadable, UserInfo};
        let mut table = String::new();
        for (host, why, error) in [
            ("user@example.com", "user name", UserInfo),
            ("user:pass@example.com", "user name and password", UserInfo),
            ("@example.com", "empty user info", UserInfo),
            (":@example.com", "empty name and password", UserInfo),
            ("%40@example.com", "encoded user name", UserInfo),
            ("example.com@127.0.0.1", "a host as user name", UserInfo),
            ("@@example.com", "two at signs", UserInfo),
            ("ex%61mple.com", "percent-encoded letter", Host),
            ("example%2ecom", "percent-encoded dot", Host),
            ("127.0.0.1%2f.example.com", "percent-encoded slash", Unreadable),
            ("%31%32%37.0.0.1", "percent-encoded address", PrivateHost),
            ("010.8.8.8", "8.8.8.8 in octal, 10.8.8.8 to others", Host),
            ("8.8.8.8.", "address with a trailing dot", Host),
            ("134744072", "8.8.8.8 as one number", Host),
            ("0x08.8.8.8", "8.8.8.8 with a hex part", Host),
            ("8.8.2056", "8.8.8.8 in three parts", Host),
            ("0x7f.1", "127.0.0.1 in hex", PrivateHost),
            ("2130706433", "127.0.0.1 as one number", PrivateHost),
            ("017700000001", "127.0.0.1 in octal", PrivateHost),
            ("127.0.0.1.", "127.0.0.1 with a trailing dot", PrivateHost),
            ("１２７.0.0.1", "full-width digits", Unreadable),
            ("example。com", "ideographic full stop", Unreadable),
            ("exam\u{ad}ple.com", "soft hyphen", Unreadable),
            ("1.2.3.256", "no address", Unreadable),
            ("[fe80::1%25eth0]", "IPv6 with a zone", Unreadable),
        ] {
            writeln!(table, "{host:<28} {why}").unwrap();
            assert_eq!(checked(host), Err(error), "{host}: {why}");
        }
        println!("{table}");
    }

    #[test]
    fn each_invalid_url_has_its_error() {
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

    proptest! {
        #[test]
        fn user_info_is_refused_in_every_spelling(info in "[a-z0-9:%._~!$&'()*+,;=@-]{0,12}") {
            prop_assert_eq!(checked(&format!("{info}@example.com")), Err(ImageUrlError::UserInfo));
        }

        #[test]
        fn unusual_spellings_of_an_address_are_refused(address in any::<u32>(), style in 0..5) {
            let [a, b, c, d] = address.to_be_bytes();
            let spelled = match style {
                0 => format!("{address}"),
                1 => format!("{address:#x}"),
                2 => format!("0{address:o}"),
                3 => format!("{a}.{b}.{c}.{d}."),
                _ => format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
            };
            prop_assert!(checked(&spelled).is_err(), "{}", spelled);
        }

        #[test]
        fn an_accepted_host_is_spelled_as_it_is_parsed(host in "[a-z0-9.%\\[\\]:@_-]{1,24}") {
            if checked(&host).is_ok() {
                let url = native::parse(&format!("https://{host}/")).unwrap();
                let plain = host.strip_suffix(&format!(":{}", url.port.unwrap_or(443))).unwrap_or(&host);
                prop_assert!(plain.eq_ignore_ascii_case(&url.host) || url.host.starts_with('['), "{}", host);
            }
        }

        #[test]
        fn arbitrary_text_does_not_panic(text in ".{0,60}", host in "[ -$&-@\\[-~]{0,24}") {
            let _ = check(&text, native::parse);
            // Without capitals and percent signs, because the parser of the tests panics at some such hosts.
            let _ = checked(&host);
        }
    }
}
