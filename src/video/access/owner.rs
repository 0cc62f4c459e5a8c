//! The owner of a video.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Limit for a name, because KV keys contain it and have at most 512 bytes.
const MAX_NAME_CHARS: usize = 64;

/// A client's name, or nobody: without `CLIENT_TOKENS` there are no names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    #[must_use]
    pub const fn nobody() -> Self {
        Self(String::new())
    }

    /// A client's name: visible ASCII without a colon, which separates the parts of KV keys.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is_name = (1..=MAX_NAME_CHARS).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        is_name.then(|| Self(name.to_owned()))
    }

    /// An owner from our storage, which was validated before; `None` is nobody.
    #[must_use]
    pub fn from_stored(name: Option<String>) -> Self {
        Self(name.unwrap_or_default())
    }

    /// The name in the operator's API: `None` for nobody.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        (!self.is_nobody()).then_some(&self.0)
    }

    #[must_use]
    pub const fn is_nobody(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_64_visible_ascii_characters_without_colon() {
        for name in ["alice", "app-1@example.com", &"a".repeat(MAX_NAME_CHARS)] {
            assert_eq!(Owner::named(name).map(|owner| owner.to_string()).as_deref(), Some(name));
        }
        for wrong in ["", "a b", "a:b", "a\n", "é", &"a".repeat(MAX_NAME_CHARS + 1)] {
            assert_eq!(Owner::named(wrong), None, "{wrong:?}");
        }
    }
}
