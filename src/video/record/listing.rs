//! The list of a client's videos: the query parameters that select a page, and the page.

use serde::{Deserialize, Serialize};

use crate::video::id::VideoId;
use crate::video::request::FieldError;

/// KV reads at most this many keys in one call.
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
    #[serde(rename = "at_the_first")]
    First,
    #[serde(rename = "behind")]
    After(VideoId),
    #[serde(rename = "behind_place")]
    AfterPosition(ListPosition),
}

/// The position of a video in its owner's list; it stays valid after the video is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ListPosition {
    /// Unix seconds.
    pub created_at: i64,
    pub ticket: i64,
}

/// One page of a list.
#[derive(Debug, Deserialize, Serialize)]
pub struct Page {
    pub ids: Vec<VideoId>,
    /// The position of the last id, if the list goes on after it.
    pub end: Option<ListPosition>,
}

impl Listing {
    /// Reads the query parameters. `own` parses an id and returns `None` unless the client owns that video.
    ///
    /// # Errors
    /// All invalid parameters.
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
                start: after_id.map_or(Start::First, Start::After),
                oldest_first: order == "asc",
            })
        } else {
            Err(errors)
        }
    }
}

/// The error message for an `after` that is not in the list.
pub const NOT_AFTER: &str = "must be the id of one of your videos";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameters: &[(&str, &'static str)]) -> Result<Listing, Vec<FieldError>> {
        let value = |name: &str| parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        Listing::read(value, |text| text.starts_with("vid_").then(|| VideoId::from_stored(text.to_owned())))
    }

    #[test]
    fn without_parameters_the_page_has_the_newest_20() {
        let newest = Listing { limit: 20, start: Start::First, oldest_first: false };
        assert_eq!(read(&[]), Ok(newest.clone()));
        assert_eq!(read(&[("after", "")]), Ok(newest));
    }

    #[test]
    fn all_parameters_are_read() {
        let listing = read(&[("limit", "100"), ("after", "vid_a"), ("order", "asc")]).unwrap();
        let start = Start::After(VideoId::from_stored("vid_a".to_owned()));
        assert_eq!(listing, Listing { limit: 100, start, oldest_first: true });
    }

    #[test]
    fn each_invalid_parameter_is_reported() {
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
