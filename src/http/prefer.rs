//! The `Prefer` header (RFC 7240): how long a client waits, and for what.

use std::fmt;

/// Limit for a wait, in seconds.
pub const MAX_WAIT_SECONDS: u32 = 60;

/// The applied wait. Its text is the value of `Preference-Applied`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// 1 to [`MAX_WAIT_SECONDS`].
    pub seconds: u32,
    /// Wait until status or stage changes; otherwise until the video ends.
    pub is_until_change: bool,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = if self.is_until_change { "; until=change" } else { "" };
        write!(f, "wait={}{until}", self.seconds)
    }
}

/// The `wait` preference, shortened to the limit. A malformed one is ignored, because a preference is never an error.
#[must_use]
pub fn preferred_wait(header: &str) -> Option<Wait> {
    let is_named = |pair: &str, wanted: &str| {
        let (name, value) = pair.split_once('=')?;
        let is_wanted = name.trim().eq_ignore_ascii_case(wanted);
        is_wanted.then(|| value.trim().trim_matches('"').to_owned())
    };
    header
        .split(',')
        .find_map(|preference| {
            let mut parts = preference.split(';');
            let seconds = is_named(parts.next()?, "wait")?;
            Some((seconds, parts.any(|part| is_named(part, "until").is_some_and(|until| until == "change"))))
        })
        .and_then(|(seconds, is_until_change)| {
            let seconds = seconds.parse::<u32>().ok().filter(|seconds| *seconds > 0)?;
            Some(Wait { seconds: seconds.min(MAX_WAIT_SECONDS), is_until_change })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_parsed_and_limited() {
        for (header, applied) in [
            ("wait=5", "wait=5"),
            ("respond-async, Wait = \"10\"", "wait=10"),
            ("wait=60; strict", "wait=60"),
            ("wait=61", "wait=60"),
            ("wait=4294967295", "wait=60"),
            ("wait=3, wait=9", "wait=3"),
            ("wait=3; until=change", "wait=3; until=change"),
            ("wait=90 ;foo; Until = \"change\", respond-async", "wait=60; until=change"),
            ("wait=3; until=doomsday", "wait=3"),
            ("wait=3, until=change", "wait=3"),
        ] {
            assert_eq!(
                preferred_wait(header).map(|wait| wait.to_string()).as_deref(),
                Some(applied),
                "{header}"
            );
        }
        for header in
            ["", "wait", "wait=", "wait=0", "wait=-1", "wait=1.5", "wait=soon", "waits=5", "return=minimal"]
        {
            assert_eq!(preferred_wait(header), None, "{header}");
        }
    }
}
