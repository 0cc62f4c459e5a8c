//! An HTTP response of Wiro, before its body is parsed.

use std::time::SystemTime;

/// An HTTP response. `body` is `None` if it was too long or not text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: u16,
    pub retry_after_seconds: Option<u64>,
    pub body: Option<String>,
}

/// `Retry-After` (a number of seconds or a date) as seconds from `now` (unix seconds).
#[must_use]
pub fn retry_after_seconds(header: &str, now: i64) -> Option<u64> {
    let header = header.trim();
    let from_date = || {
        let date = httpdate::parse_http_date(header).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(date.as_secs().saturating_sub(u64::try_from(now).ok()?))
    };
    header.parse().ok().or_else(from_date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        assert_eq!(retry_after_seconds(" 7 ", 0), Some(7));
        assert_eq!(retry_after_seconds("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_770), Some(7));
        assert_eq!(retry_after_seconds("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_799), Some(0));
        assert_eq!(retry_after_seconds("soon", 0), None);
    }
}
