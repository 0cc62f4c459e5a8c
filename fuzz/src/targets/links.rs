//! Links: of first frames, and of outputs.

use hailuo_worker::video::links::image_url::check;
use hailuo_worker::video::links::output_hosts::OutputHosts;
use hailuo_worker::video::links::url::Url;
use url::Host;

use super::lines;

/// By the same rules as the runtime's parser.
pub fn parse_url(text: &str) -> Option<Url> {
    let url = url::Url::parse(text).ok()?;
    Some(Url {
        href: url.as_str().to_owned(),
        scheme: url.scheme().to_owned(),
        host: url.host_str().unwrap_or_default().to_owned(),
        port: url.port(),
        has_user_info: !url.username().is_empty() || url.password().is_some(),
        path: url.path().to_owned(),
        query: url.query().unwrap_or_default().to_owned(),
    })
}

/// A link to a first frame; `OUTPUT_HOSTS` and a link to an output.
pub fn image_url(data: &[u8]) {
    let [link, hosts, output] = lines(data);
    if check(&link, parse_url).is_ok() {
        let url = url::Url::parse(&link).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((url.scheme(), url.username(), url.password()), ("https", "", None));
        match url.host() {
            Some(Host::Domain(name)) => assert!(name.contains('.')),
            Some(Host::Ipv4(address)) => {
                assert!(!address.is_private() && !address.is_loopback() && !address.is_link_local());
                assert!(!address.is_unspecified() && !address.is_broadcast() && !address.is_multicast());
            }
            Some(Host::Ipv6(address)) => {
                assert!(!address.is_loopback() && !address.is_unspecified() && !address.is_multicast());
                assert!(!address.is_unique_local() && !address.is_unicast_link_local());
                assert_eq!(address.to_ipv4_mapped(), None);
            }
            None => panic!("{link} has no host"),
        }
    }
    let (Ok(hosts), Some(url)) = (OutputHosts::parse(&hosts, parse_url), parse_url(&output)) else { return };
    if hosts.allow(&url) {
        assert!(url.scheme == "https" || (url.scheme == "http" && url.is_loopback()));
        assert!(!url.has_user_info && !url.host.is_empty());
    }
}
