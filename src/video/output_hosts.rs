//! From where a finished video may be fetched: the hosts of `OUTPUT_HOSTS` and their subdomains.

use thiserror::Error;
use url::{Host, Url};

/// The hosts that outputs are fetched from, over https only; http is for loopback hosts that are listed.
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
    /// [`OutputHostsError::Entry`] when one is neither.
    pub fn parse(text: &str) -> Result<Self, OutputHostsError> {
        text.split(',').map(|entry| listed_host(entry.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a video may be fetched from here. An entry without a port stands for every port.
    #[must_use]
    pub fn allow(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        self.0.iter().any(|listed| {
            let is_here = host == listed.host;
            let is_below = host.strip_suffix(&listed.host).is_some_and(|sub| sub.ends_with('.'));
            let scheme_fits =
                url.scheme() == "https" || (url.scheme() == "http" && is_here && is_loopback(url));
            let port_fits = listed.port.is_none_or(|port| url.port_or_known_default() == Some(port));
            (is_here || is_below) && scheme_fits && port_fits
        })
    }
}

/// Whether the URL names this very machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads an entry as the authority of a URL, so that it is spelled as URLs spell it.
fn listed_host(entry: &str) -> Result<ListedHost, OutputHostsError> {
    let unreadable = || OutputHostsError::Entry;
    let port = match entry.rsplit_once(':') {
        Some((_, port)) if !entry.ends_with(']') => Some(port.parse().map_err(|_| unreadable())?),
        _ => None,
    };
    let url = Url::parse(&format!("https://{entry}/")).map_err(|_| unreadable())?;
    let host = url.host_str().ok_or_else(unreadable)?.to_owned();
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !plain || !url.username().is_empty() || url.password().is_some() {
        return Err(unreadable());
    }
    Ok(ListedHost { host, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(hosts: &str, url: &str) -> bool {
        OutputHosts::parse(hosts).unwrap().allow(&Url::parse(url).unwrap())
    }

    #[test]
    fn listed_hosts_and_below_over_https() {
        assert!(allowed("wiro.ai", "https://wiro.ai/0.mp4"));
        assert!(allowed("wiro.ai", "https://cdn1.wiro.ai/0.mp4"));
        assert!(allowed("example.com, Wiro.AI", "https://CDN1.wiro.ai:443/0.mp4"));
        for url in [
            "http://cdn1.wiro.ai/0.mp4",
            "https://notwiro.ai/0.mp4",
            "https://wiro.ai.evil.example/0.mp4",
            "https://wiro.ai@evil.example/0.mp4",
            "https://evil@wiro.ai/0.mp4",
            "https://evil.example/wiro.ai",
            "ftp://wiro.ai/0.mp4",
            "data:video/mp4,x",
        ] {
            assert!(!allowed("wiro.ai", url), "{url}");
        }
    }

    #[test]
    fn http_is_for_listed_loopback_hosts() {
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
    fn entries_are_hosts() {
        for bad in ["", "a,", "https://wiro.ai", "wiro.ai/path", "u@wiro.ai", "wiro.ai:x", "a b"] {
            assert!(OutputHosts::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
