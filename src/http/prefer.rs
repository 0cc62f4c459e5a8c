//! The `Prefer` header, RFC 7240: how long a client is willing to wait. Pure.

/// Longest wait that is granted, in seconds.
pub const MAX_WAIT_SECONDS: u32 = 60;

/// The `wait` preference in seconds, 1 to [`MAX_WAIT_SECONDS`]; longer ones are cut. What is malformed counts
/// as absent: a preference is never an error.
#[must_use]
pub fn preferred_wait(header: &str) -> Option<u32> {
    let mut preferences =
        header.split(',').filter_map(|preference| preference.split(';').next()?.split_once('='));
    let (_, value) = preferences.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    let seconds = value.trim().trim_matches('"').parse::<u32>().ok()?;
    (seconds > 0).then_some(seconds.min(MAX_WAIT_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_and_bounded() {
        for (header, seconds) in [
            ("wait=5", 5),
            ("respond-async, Wait = \"10\"", 10),
            ("wait=60; strict", 60),
            ("wait=61", 60),
            ("wait=4294967295", 60),
            ("wait=3, wait=9", 3),
        ] {
            assert_eq!(preferred_wait(header), Some(seconds), "{header}");
        }
        for header in
            ["", "wait", "wait=", "wait=0", "wait=-1", "wait=1.5", "wait=soon", "waits=5", "return=minimal"]
        {
            assert_eq!(preferred_wait(header), None, "{header}");
        }
    }
}
