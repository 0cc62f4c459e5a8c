//! Wiro's own hosts.

/// Wiro's domain; its API, CDN and public pages are on it and its subdomains.
const DOMAIN: &str = "wiro.ai";

/// Whether a link points to Wiro's hosts.
#[must_use]
pub fn is_wiro_link(link: &str) -> bool {
    let Some((_, rest)) = link.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    host == DOMAIN || host.strip_suffix(DOMAIN).is_some_and(|below| below.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subdomains_belong_to_wiro() {
        for link in [
            "https://wiro.ai/a",
            "https://cdn1.wiro.ai/a.png",
            "https://CDN.Wiro.AI:443/?x",
            "https://api.wiro.ai./x",
        ] {
            assert!(is_wiro_link(link), "{link}");
        }
        for link in [
            "https://example.com/wiro.ai",
            "https://notwiro.ai/",
            "https://wiro.ai.example/",
            "wiro.ai/a",
            "",
        ] {
            assert!(!is_wiro_link(link), "{link}");
        }
    }
}
