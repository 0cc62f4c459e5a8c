//! Which of its videos a client wants listed, and in what pages they come.

use serde::{Deserialize, Serialize};

use crate::video::id::VideoId;
use crate::video::request::FieldError;

/// As many as KV reads at once.
const MAX_LIMIT: u32 = 100;
const DEFAULT_LIMIT: u32 = 20;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Listing {
    /// 1–100.
    pub limit: u32,
    pub start: Start,
    pub oldest_first: bool,
}

/// Where a page starts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    AtTheFirst,
    Behind(VideoId),
    BehindPlace(Place),
}

/// Where a video is in its owner's list, or was before it was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Place {
    /// Unix seconds.
    pub created_at: i64,
    pub ticket: i64,
}

/// What was asked for, as far as it goes.
#[derive(Debug, Deserialize, Serialize)]
pub struct Page {
    pub ids: Vec<VideoId>,
    /// Where it ends, when more comes behind it.
    pub end: Option<Place>,
}

impl Listing {
    /// Reads the parameters of a query; `own` is the id in a text, if it is the client's own.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn read<'a>(
        parameter: impl Fn(&str) -> Option<&'a str>,
        own: impl Fn(&str) -> Option<VideoId>,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: &str| {
            errors.push(FieldError { field: field.to_owned(), message: message.to_owned() });
        };
        let limit = parameter("limit").map_or(Some(DEFAULT_LIMIT), |limit| limit.parse().ok());
        let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit)).unwrap_or_else(|| {
            wrong("limit", "must be a whole number from 1 to 100");
            0
        });
        let after = parameter("after").filter(|after| !after.is_empty());
        let after_id = after.and_then(own);
        if after.is_some() && after_id.is_none() {
            wrong("after", NOT_AFTER);
        }
        let order = parameter("order").unwrap_or("desc");
        if !["asc", "desc"].contains(&order) {
            wrong("order", "must be asc or desc");
        }
        if errors.is_empty() {
            Ok(Self {
                limit,
                start: after_id.map_or(Start::AtTheFirst, Start::Behind),
                oldest_first: order == "asc",
            })
        } else {
            Err(errors)
        }
    }
}

/// What is wrong with an `after` that nothing can come behind.
pub const NOT_AFTER: &str = "must be the id of one of your videos";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameters: &[(&str, &'static str)]) -> Result<Listing, Vec<FieldError>> {
        let value = |name: &str| parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        Listing::read(value, |text| text.starts_with("vid_").then(|| VideoId::from_stored(text.to_owned())))
    }

    #[test]
    fn nothing_asked_is_the_newest_twenty() {
        let newest = Listing { limit: 20, start: Start::AtTheFirst, oldest_first: false };
        assert_eq!(read(&[]), Ok(newest.clone()));
        assert_eq!(read(&[("after", "")]), Ok(newest));
    }

    #[test]
    fn all_that_can_be_asked() {
        let listing = read(&[("limit", "100"), ("after", "vid_a"), ("order", "asc")]).unwrap();
        let start = Start::Behind(VideoId::from_stored("vid_a".to_owned()));
        assert_eq!(listing, Listing { limit: 100, start, oldest_first: true });
    }

    #[test]
    fn everything_wrong_is_named() {
        let errors = read(&[("limit", "101"), ("after", "x"), ("order", "up")]).unwrap_err();
        assert_eq!(
            errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(),
            ["limit", "after", "order"]
        );
        for limit in ["0", "-1", "1.5", "", "ten", "99999999999"] {
            assert!(read(&[("limit", limit)]).is_err(), "{limit:?}");
        }
    }
}
