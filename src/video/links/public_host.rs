//! Whether a host is on the public internet, judged by its name or address.
//!
//! Names are not resolved, because the program that fetches the URL resolves them again.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::url::Host;

/// Names for private networks, including their subdomains.
const PRIVATE_NAMES: [&str; 28] = [
    // IANA's special-use domain names, <https://www.iana.org/assignments/special-use-domain-names>. The names for
    // examples are left out: RFC 6761, 6.5, requires that software treats them like any other name. `arpa` contains
    // `home.arpa` (RFC 8375), `service.arpa`, `resolver.arpa` and the reverse zones, but no web hosts.
    "alt",       // RFC 9476
    "arpa",      // RFC 3172
    "invalid",   // RFC 6761
    "local",     // RFC 6762
    "localhost", // RFC 6761
    "onion",     // RFC 7686
    "test",      // RFC 6761
    // Reserved by ICANN for private use on 29 July 2024, <https://www.icann.org/en/board-activities-and-meetings/materials/approved-resolutions-special-meeting-of-the-icann-board-29-07-2024-en>.
    "internal",
    // ICANN decided on 4 February 2018 never to delegate them, because too many networks use them.
    "corp",
    "home",
    "mail",
    // Other names in private use: RFC 6762, appendix G.
    "intranet",
    "lan",
    "private",
    // Names that routers and directory services assign.
    "dhcp",
    "domain",
    "gateway",
    "localdomain",
    "router",
    "workgroup",
    // Kubernetes, Docker, Consul and Nomad, LXD and Incus.
    "cluster",
    "consul",
    "docker",
    "incus",
    "lxd",
    "nomad",
    "svc",
    // Google Cloud's metadata server.
    "metadata.goog",
];

/// IANA's special-purpose blocks (RFC 6890), <https://www.iana.org/assignments/iana-ipv4-special-registry>, multicast, and
/// addresses of cloud services.
const IPV4_BLOCKS: [([u8; 4], u32); 20] = [
    ([0, 0, 0, 0], 8),          // this network, RFC 791
    ([10, 0, 0, 0], 8),         // private, RFC 1918
    ([100, 64, 0, 0], 10),      // shared by carriers, RFC 6598
    ([127, 0, 0, 0], 8),        // loopback, RFC 1122
    ([168, 63, 129, 16], 32),   // Azure's own services, on a public address
    ([169, 254, 0, 0], 16),     // link-local, RFC 3927; metadata of most clouds
    ([172, 16, 0, 0], 12),      // private, RFC 1918
    ([192, 0, 0, 0], 24),       // protocol assignments, RFC 6890
    ([192, 0, 2, 0], 24),       // documentation, RFC 5737
    ([192, 31, 196, 0], 24),    // AS112, RFC 7535
    ([192, 52, 193, 0], 24),    // AMT, RFC 7450
    ([192, 88, 99, 0], 24),     // relays of 6to4, RFC 7526
    ([192, 168, 0, 0], 16),     // private, RFC 1918
    ([192, 175, 48, 0], 24),    // AS112, RFC 7534
    ([198, 18, 0, 0], 15),      // benchmarks, RFC 2544
    ([198, 51, 100, 0], 24),    // documentation, RFC 5737
    ([203, 0, 113, 0], 24),     // documentation, RFC 5737
    ([224, 0, 0, 0], 4),        // multicast, RFC 5771
    ([240, 0, 0, 0], 4),        // reserved, RFC 1112
    ([255, 255, 255, 255], 32), // broadcast, RFC 8190
];

/// The only unicast addresses that IANA has assigned, `2000::/3`:
/// <https://www.iana.org/assignments/ipv6-address-space>. It excludes loopback, unique and link-local, multicast,
/// IPv4 mapped, compatible and translated (`::ffff:0:0/96`, `::/96`, `64:ff9b::/96`, `64:ff9b:1::/48`).
const IPV6_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The special-purpose blocks in `2000::/3`: <https://www.iana.org/assignments/iana-ipv6-special-registry>.
const IPV6_BLOCKS: [(Ipv6Addr, u32); 5] = [
    // Protocol assignments, RFC 2928; including Teredo, RFC 4380, which contains an IPv4 address.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation, RFC 3849.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4, RFC 3056, which contains an IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // AS112, RFC 7534.
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
    // Documentation, RFC 9637.
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Limits for a name and a label: RFC 1035, 2.3.4.
const MAX_NAME_CHARS: usize = 253;
const MAX_LABEL_CHARS: usize = 63;

/// Whether the host of a URL, parsed by the WHATWG rules, is public.
#[must_use]
pub fn is_public(host: Host<'_>) -> bool {
    match host {
        Host::Domain(name) => is_public_name(name),
        Host::Ipv4(address) => is_public_ipv4(address),
        Host::Ipv6(address) => is_public_ipv6(address),
    }
}

/// Whether the name has a dot, ends with a possible top-level domain and is not a private name.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let Some((_, end)) = name.rsplit_once('.') else { return false };
    let is_end =
        end.len() >= 2 && (end.starts_with("xn--") || end.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let is_private = |private: &&str| {
        name.strip_suffix(*private).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    is_end
        && name.len() <= MAX_NAME_CHARS
        && name.split('.').all(is_label)
        && !PRIVATE_NAMES.iter().any(is_private)
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL_CHARS).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn is_public_ipv4(address: Ipv4Addr) -> bool {
    let address = address.to_bits();
    !IPV4_BLOCKS.iter().any(|(block, prefix)| {
        let differing = address ^ u32::from_be_bytes(*block);
        differing.leading_zeros() >= *prefix
    })
}

fn is_public_ipv6(address: Ipv6Addr) -> bool {
    let is_in =
        |(block, prefix): &(Ipv6Addr, u32)| (address.to_bits() ^ block.to_bits()).leading_zeros() >= *prefix;
    is_in(&IPV6_UNICAST) && !IPV6_BLOCKS.iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::video::links::url::native;

    fn is_refused(host: &str) -> bool {
        let url = native::parse(&format!("https://{host}/")).unwrap();
        !url.host().is_some_and(is_public)
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "prints the table of cases with --nocapture")]
    fn private_names_are_refused() {
        let mut table = String::new();
        for (host, why) in [
            ("localhost", "RFC 6761"),
            ("LOCALHOST.", "RFC 6761"),
            ("api.localhost", "RFC 6761"),
            ("api.test", "RFC 6761"),
            ("nothing.invalid", "RFC 6761"),
            ("printer.local", "RFC 6762"),
            ("printer.local.", "RFC 6762"),
            ("a.onion", "RFC 7686"),
            ("a.alt", "RFC 9476"),
            ("home.arpa", "RFC 8375"),
            ("nas.home.arpa", "RFC 8375"),
            ("1.0.0.127.in-addr.arpa", "a reverse zone"),
            ("metadata.google.internal", "ICANN 2024"),
            ("host.docker.internal.", "ICANN 2024"),
            ("files.corp", "ICANN 2018"),
            ("nas.home", "ICANN 2018"),
            ("relay.mail", "ICANN 2018"),
            ("wiki.intranet", "RFC 6762, appendix G"),
            ("nas.lan", "RFC 6762, appendix G"),
            ("db.private", "RFC 6762, appendix G"),
            ("pc.localdomain", "a router's"),
            ("pc.workgroup", "a directory's"),
            ("api.default.svc", "Kubernetes"),
            ("api.default.svc.cluster.local", "Kubernetes"),
            ("web.service.consul", "Consul"),
            ("web.docker", "Docker"),
            ("metadata.goog", "Google Cloud"),
            ("intranet", "no dot"),
            ("internal", "no dot"),
            ("com.", "no dot but the last"),
            ("a.b", "one letter"),
            ("a.b2", "a digit in the last label"),
            ("a.b-c", "a hyphen in the last label"),
            ("a..example.com", "an empty label"),
            (".example.com", "an empty label"),
            ("example.com..", "two dots at the end"),
            ("a!b.example.com", "no host name"),
            (&format!("{}.com", "a".repeat(64)), "a label of 64 characters"),
            (&format!("{}com", "ab.".repeat(84)), "a name of 255 characters"),
        ] {
            writeln!(table, "{host:<34.34} {why}").unwrap();
            assert!(is_refused(host), "{host}: {why}");
        }
        println!("{table}");
    }

    #[test]
    fn names_similar_to_private_ones_are_accepted() {
        for host in [
            "example.com",
            "example.com.",
            "notlocal.example",
            "local.example.com",
            "mylan.com",
            "internal.example.com",
            "home.arpa.example.com",
            "mymetadata.goog",
            "xn--bcher-kva.xn--p1ai",
            "my_bucket.s3.example.com",
        ] {
            assert!(!is_refused(host), "{host}");
        }
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "prints the table of cases with --nocapture")]
    fn special_addresses_are_refused() {
        let mut table = String::new();
        for (host, why) in [
            ("0", "this network"),
            ("0.0.0.0", "this network"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "shared by carriers"),
            ("100.100.100.200", "Alibaba's metadata"),
            ("100.127.255.255", "shared by carriers"),
            ("127.0.0.1", "loopback"),
            ("0x7f.1", "loopback, in hex"),
            ("2130706433", "loopback, as a number"),
            ("017700000001", "loopback, in octal"),
            ("127.1", "loopback, in two parts"),
            ("168.63.129.16", "Azure's own services"),
            ("169.254.169.254", "metadata of most clouds"),
            ("172.16.0.0", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.192", "Oracle's metadata"),
            ("192.0.2.1", "documentation"),
            ("192.31.196.1", "AS112"),
            ("192.52.193.1", "AMT"),
            ("192.88.99.2", "relays of 6to4"),
            ("192.168.0.1", "private"),
            ("192.175.48.1", "AS112"),
            ("198.18.0.1", "benchmarks"),
            ("198.19.255.255", "benchmarks"),
            ("198.51.100.1", "documentation"),
            ("203.0.113.1", "documentation"),
            ("224.0.0.1", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("[::]", "unspecified"),
            ("[::1]", "loopback"),
            ("[::ffff:127.0.0.1]", "IPv4 mapped"),
            ("[::ffff:93.184.216.34]", "IPv4 mapped"),
            ("[::ffff:0:127.0.0.1]", "IPv4 translated"),
            ("[::127.0.0.1]", "IPv4 compatible"),
            ("[64:ff9b::127.0.0.1]", "NAT64"),
            ("[64:ff9b:1::a00:1]", "NAT64, local"),
            ("[100::1]", "discarded"),
            ("[2001:0:7f00:1::]", "Teredo"),
            ("[2001:20::1]", "ORCHID"),
            ("[2001:db8::1]", "documentation"),
            ("[2002:7f00:1::]", "6to4"),
            ("[2620:4f:8000::1]", "AS112"),
            ("[3fff::1]", "documentation"),
            ("[5f00::1]", "segment routing"),
            ("[fc00::1]", "unique local"),
            ("[fd00:ec2::254]", "Amazon's metadata"),
            ("[fe80::1]", "link-local"),
            ("[fec0::1]", "site-local"),
            ("[ff02::1]", "multicast"),
        ] {
            writeln!(table, "{host:<28} {why}").unwrap();
            assert!(is_refused(host), "{host}: {why}");
        }
        println!("{table}");
    }

    #[test]
    fn addresses_next_to_a_special_block_are_accepted() {
        for host in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "168.63.129.15",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "[2001:200::1]",
            "[2606:4700::1]",
            "[3fff:1000::1]",
        ] {
            assert!(!is_refused(host), "{host}");
        }
    }

    proptest! {
        #[test]
        fn subdomains_of_private_names_are_refused(
            subdomain in "([a-z0-9]{1,8}[.]){0,3}",
            private in proptest::sample::select(&PRIVATE_NAMES[..]),
            dot in "[.]?",
        ) {
            let name = format!("{subdomain}{private}{dot}");
            prop_assert!(!is_public_name(&name), "{}", name);
        }

        #[test]
        fn special_addresses_of_the_standard_library_are_refused(bits in any::<u32>(), wide in any::<u128>()) {
            let address = Ipv4Addr::from_bits(bits);
            let is_special = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_broadcast() || address.is_documentation() || address.is_unspecified() || address.is_multicast();
            prop_assert!(!is_special || !is_public_ipv4(address), "{}", address);
            let address = Ipv6Addr::from_bits(wide);
            let is_special = address.is_loopback() || address.is_unspecified() || address.is_multicast()
                || address.is_unique_local() || address.is_unicast_link_local();
            prop_assert!(!is_special || !is_public_ipv6(address), "{}", address);
            prop_assert!(!is_public_ipv6(Ipv4Addr::from_bits(bits).to_ipv6_mapped()));
            prop_assert!(!is_public_ipv6(Ipv4Addr::from_bits(bits).to_ipv6_compatible()));
        }

        #[test]
        fn arbitrary_names_do_not_panic(name in ".{0,40}") {
            is_public_name(&name);
        }
    }
}
