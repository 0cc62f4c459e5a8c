//! `OUTPUT_HOSTS`: a finished video is fetched from these hosts and their subdomains only.

use thiserror::Error;

use super::url::{ParseUrl, Url};

/// The allowed hosts. Only https is allowed, except for listed loopback hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputHosts(Vec<ListedHost>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ListedHost {
    host: String,
    port: Option<u16>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum OutputHostsError {
    #[error("must be a comma list of host or host:port, such as wiro.ai")]
    Entry,
}

impl OutputHosts {
    /// Reads a comma list of `host` or `host:port`.
    ///
    /// # Errors
    /// [`OutputHostsError::Entry`] if an entry is invalid.
    pub fn parse(text: &str, parse: ParseUrl) -> Result<Self, OutputHostsError> {
        text.split(',').map(|entry| listed_host(entry.trim(), parse)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a video may be fetched from this URL. An entry without a port allows every port.
    #[must_use]
    pub fn allow(&self, url: &Url) -> bool {
        let Url { scheme, host, .. } = url;
        if host.is_empty() || url.has_user_info {
            return false;
        }
        self.0.iter().any(|listed| {
            let is_same_host = *host == listed.host;
            let is_subdomain = host.strip_suffix(&listed.host).is_some_and(|sub| sub.ends_with('.'));
            let scheme_fits = scheme == "https" || (scheme == "http" && is_same_host && url.is_loopback());
            let port_fits = listed.port.is_none_or(|port| url.effective_port() == Some(port));
            (is_same_host || is_subdomain) && scheme_fits && port_fits
        })
    }
}

/// Parses an entry as the authority of a URL, so that it is spelled like the hosts of URLs.
fn listed_host(entry: &str, parse: ParseUrl) -> Result<ListedHost, OutputHostsError> {
    let unreadable = || OutputHostsError::Entry;
    let port = match entry.rsplit_once(':') {
        Some((_, port)) if !entry.ends_with(']') => Some(port.parse().map_err(|_| unreadable())?),
        _ => None,
    };
    let url = parse(&format!("https://{entry}/")).ok_or_else(unreadable)?;
    let is_plain = url.path == "/" && !url.href.contains(['?', '#']) && !url.has_user_info;
    if !is_plain || url.host.is_empty() {
        return Err(unreadable());
    }
    Ok(ListedHost { host: url.host, port })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::links::url::native::parse;

    fn allowed(hosts: &str, url: &str) -> bool {
        OutputHosts::parse(hosts, parse).unwrap().allow(&parse(url).unwrap())
    }

    #[test]
    fn listed_hosts_and_their_subdomains_are_allowed_over_https() {
        assert!(allowed("wiro.ai", "https://wiro.ai/0.mp4"));
        assert!(allowed("wiro.ai", "https://cdn1.wiro.ai/0.mp4"));
        assert!(allowed("example.com, Wiro.AI", "https://CDN1.wiro.ai:443/0.mp4"));
        for url in [
            "http://cdn1.wiro.ai/0.mp4",
            "https://notwiro.ai/0.mp4",
            "https://wiro.ai.evil.example/0.mp4",
            "https://wiro.ai@evil.example/0.mp4",
            "https://evil@wiro.ai/0.mp4",
            "https://:@wiro.ai/0.mp4",
            "https://evil.example/wiro.ai",
            "ftp://wiro.ai/0.mp4",
            "data:video/mp4,x",
        ] {
            assert!(!allowed("wiro.ai", url), "{url}");
        }
    }

    #[test]
    fn http_is_allowed_for_listed_loopback_hosts_only() {
        assert!(allowed("127.0.0.1:9090", "http://127.0.0.1:9090/0.mp4"));
        assert!(allowed("localhost:9090", "http://localhost:9090/0.mp4"));
        assert!(allowed("[::1]", "http://[::1]:9090/0.mp4"));
        assert!(allowed("127.0.0.1:80", "http://127.0.0.1/0.mp4"));
        assert!(!allowed("127.0.0.1:9090", "http://127.0.0.1:9091/0.mp4"));
        assert!(!allowed("wiro.ai", "http://127.0.0.1/0.mp4"));
        assert!(!allowed("10.0.0.1:9090", "http://10.0.0.1:9090/0.mp4"));
        assert!(!allowed("localhost:9090", "http://a.localhost:9090/0.mp4"));
    }

    #[test]
    fn entries_that_are_not_hosts_are_refused() {
        for bad in ["", "a,", "https://wiro.ai", "wiro.ai/path", "u@wiro.ai", ":@wiro.ai", "wiro.ai:x", "a b"]
        {
            assert!(OutputHosts::parse(bad, parse).is_err(), "{bad:?} was accepted");
        }
    }
}
