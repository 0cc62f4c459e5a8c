//! The versions of the Model Context Protocol that are spoken here. Pure.

use std::fmt;

/// Versions are dates; a later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    V2025_06_18,
    V2025_11_25,
    /// Every request names its version; there is no `initialize`.
    V2026_07_28,
}

/// All, the newest first.
pub const VERSIONS: [&str; 3] = ["2026-07-28", "2025-11-25", "2025-06-18"];

impl Version {
    /// What `initialize` answers a client that asks for a version that is not spoken here.
    pub const NEWEST_WITH_INITIALIZE: Self = Self::V2025_11_25;

    /// `None` for a version that is not spoken here.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "2026-07-28" => Some(Self::V2026_07_28),
            "2025-11-25" => Some(Self::V2025_11_25),
            "2025-06-18" => Some(Self::V2025_06_18),
            _ => None,
        }
    }

    /// Whether each request carries its version and the client's capabilities itself.
    #[must_use]
    pub fn is_stateless(self) -> bool {
        self >= Self::V2026_07_28
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_listed_and_read_as_it_is_written() {
        let mut versions = VERSIONS.map(|text| Version::parse(text).unwrap());
        assert_eq!(versions.map(|version| version.to_string()), VERSIONS.map(str::to_owned));
        assert!(versions.is_sorted_by(|newer, older| newer > older));
        versions.reverse();
        assert!(versions.is_sorted());
        assert_eq!(Version::parse("2025-03-26"), None);
    }

    #[test]
    fn only_the_newest_needs_no_initialize() {
        assert!(Version::V2026_07_28.is_stateless());
        assert!(!Version::V2025_11_25.is_stateless());
        assert!(!Version::NEWEST_WITH_INITIALIZE.is_stateless());
    }
}
