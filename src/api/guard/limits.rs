//! Rate limits: all requests of an address, the submits of a client, and wrong tokens of the operator.

use std::net::IpAddr;

use crate::api::RequestContext;
use crate::api::error::ApiError;
use crate::runtime::http::{Header, Request};
use crate::runtime::rate_limit::{Limiter, allows};
use crate::video::access::owner::Owner;

const LIMITERS: [Limiter; 3] = [
    Limiter { binding: "READ_LIMITER", per_minute: 100 },
    Limiter { binding: "SUBMIT_LIMITER", per_minute: 10 },
    Limiter { binding: "ONE_LIMITER", per_minute: 1 },
];

/// How often an address may send a wrong token of the operator.
const WRONG_TOKENS_PER_MINUTE: u32 = 10;

/// Limits the submits and uploads of a client, or of an address if there are no clients.
pub async fn check_submit(
    context: &RequestContext<'_>,
    request: &Request,
    owner: &Owner,
) -> Result<(), ApiError> {
    check(context, || format!("submit {}", client_key(request, owner)), context.config.submits_per_minute)
        .await
}

/// The key of a client, or of an address if there are no clients.
pub fn client_key(request: &Request, owner: &Owner) -> String {
    if owner.is_nobody() { address(request) } else { format!("client {owner}") }
}

/// Limits all requests of an address.
pub async fn check_request(context: &RequestContext<'_>, request: &Request) -> Result<(), ApiError> {
    check(context, || address(request), context.config.visits_per_minute).await
}

/// Counts a wrong token of the operator, and limits their number for an address.
pub async fn check_wrong_token(context: &RequestContext<'_>, request: &Request) -> Result<(), ApiError> {
    check(context, || format!("operator {}", address(request)), Some(WRONG_TOKENS_PER_MINUTE)).await
}

async fn check(
    context: &RequestContext<'_>,
    client: impl Fn() -> String,
    per_minute: Option<u32>,
) -> Result<(), ApiError> {
    match per_minute {
        Some(per_minute) if !allows(context.env, &LIMITERS, &client(), per_minute).await? => {
            Err(ApiError::RateLimited)
        }
        _ => Ok(()),
    }
}

fn address(request: &Request) -> String {
    request.header(Header::CfConnectingIp).map_or_else(String::new, |address| network_of(&address))
}

/// The address, or for IPv6 its /64 network, because one subscriber has a whole /64.
fn network_of(address: &str) -> String {
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
    fn ipv6_addresses_of_one_64_network_count_together() {
        assert_eq!(network_of("203.0.113.7"), "203.0.113.7");
        assert_eq!(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network_of("2001:db8:1:2::1"), network_of("2001:0DB8:1:2:ffff::"));
        assert_ne!(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:3::1"));
    }
}
