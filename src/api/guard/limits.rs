//! How often somebody may come: an address at all, and a client to submit.

use std::net::IpAddr;

use crate::api::Call;
use crate::api::error::ApiError;
use crate::runtime::http::{Header, Request};
use crate::runtime::rate_limit::{Limiter, allows};
use crate::video::access::owner::Owner;

const LIMITERS: [Limiter; 3] = [
    Limiter { binding: "READ_LIMITER", per_minute: 100 },
    Limiter { binding: "SUBMIT_LIMITER", per_minute: 10 },
    Limiter { binding: "ONE_LIMITER", per_minute: 1 },
];

/// Limits submits and uploads of a client, or, where there are none, of an address.
pub async fn submit(call: &Call<'_>, request: &Request, owner: &Owner) -> Result<(), ApiError> {
    limit(call, || format!("submit {}", client(request, owner)), call.config.submits_per_minute).await
}

/// A client, or where there are none an address.
pub fn client(request: &Request, owner: &Owner) -> String {
    if owner.is_nobody() { address(request) } else { format!("client {owner}") }
}

/// Limits whatever comes from an address.
pub async fn visit(call: &Call<'_>, request: &Request) -> Result<(), ApiError> {
    limit(call, || address(request), call.config.visits_per_minute).await
}

async fn limit(
    call: &Call<'_>,
    client: impl Fn() -> String,
    per_minute: Option<u32>,
) -> Result<(), ApiError> {
    match per_minute {
        Some(per_minute) if !allows(call.env, &LIMITERS, &client(), per_minute).await? => {
            Err(ApiError::RateLimited)
        }
        _ => Ok(()),
    }
}

fn address(request: &Request) -> String {
    request.header(Header::CfConnectingIp).map_or_else(String::new, |address| network(&address))
}

/// An address, or for IPv6 the network of one subscriber: a /64.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_one_network() {
        assert_eq!(network("203.0.113.7"), "203.0.113.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2::1"), network("2001:0DB8:1:2:ffff::"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }
}
