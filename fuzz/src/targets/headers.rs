//! The request line and the headers that are read.

use hailuo_worker::api::route::route;
use hailuo_worker::http::origins::{AllowedOrigins, Origin};
use hailuo_worker::http::prefer::{MAX_WAIT_SECONDS, preferred_wait};
use hailuo_worker::http::range::{Conditions, Representation, Selection};
use hailuo_worker::video::id::VideoId;
use hailuo_worker::video::record::listing::Listing;
use hailuo_worker::wiro::http_response::retry_after_seconds;

use super::lines;
use super::links::parse_url;

/// The size, `Range`, `If-Range`, `If-None-Match`, `If-Modified-Since`.
pub fn range(data: &[u8]) {
    let [size, headers @ ..] = lines::<5>(data);
    let size = size.parse().unwrap_or(1000);
    let [range, if_range, if_none_match, if_modified_since] =
        headers.each_ref().map(|header| Some(header.as_str()).filter(|header| !header.is_empty()));
    let conditions = Conditions { range, if_range, if_none_match, if_modified_since };
    match conditions.select(Representation { size, etag: "\"a\"", modified_at: 784_111_777 }) {
        Selection::Part { first, last } => assert!(first <= last && last < size),
        Selection::Unsatisfiable => assert!(conditions.range.is_some()),
        Selection::Whole | Selection::NotModified => {}
    }
}

/// `Prefer`, and `Retry-After` as Wiro writes it.
pub fn prefer(data: &[u8]) {
    let [prefer, retry_after] = lines(data);
    assert!(preferred_wait(&prefer).is_none_or(|wait| (1..=MAX_WAIT_SECONDS).contains(&wait.seconds)));
    let _ = retry_after_seconds(&retry_after, 1_700_000_000);
}

/// `ALLOWED_ORIGINS`, `Origin`, `Sec-Fetch-Site`, our own origin.
pub fn origin(data: &[u8]) {
    let [setting, origin, site, own] = lines(data);
    let Ok(allowed) = AllowedOrigins::parse(&setting, parse_url) else { return };
    assert_eq!(allowed.classify(None, Some(&site), &own), Origin::Own);
    match allowed.classify(Some(&origin), Some(&site), &own) {
        Origin::Allowed("*") => assert!(allowed.is_any()),
        Origin::Allowed(told) => {
            assert_eq!(told, origin);
            assert!(setting.split(',').any(|listed| listed.trim() == origin));
        }
        Origin::Own => assert!(origin == own || site == "same-origin"),
        Origin::Disallowed => assert!(!allowed.is_any()),
    }
}

/// Method, path, and the parameters of a list.
pub fn path(data: &[u8]) {
    let [method, path, limit, after, order, status, created_after] = lines(data);
    if route(&method, &path).is_ok() {
        assert!(!path.contains("//"));
        assert!(["GET", "HEAD", "POST", "DELETE"].contains(&method.as_str()));
    }
    let parameter = |name: &str| match name {
        "limit" => Some(limit.as_str()),
        "after" => Some(after.as_str()),
        "order" => Some(order.as_str()),
        "status" | "model" => Some(status.as_str()),
        "created_after" => Some(created_after.as_str()),
        _ => None,
    };
    let model = |name: &str| Err(format!("no {name}"));
    match Listing::read(parameter, VideoId::unproven, model) {
        Ok(listing) => assert!((1..=100).contains(&listing.limit)),
        Err(errors) => assert!(!errors.is_empty()),
    }
}
