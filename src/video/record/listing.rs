//! The list of a client's videos: the query parameters that select a page and filter it, and the page.

pub mod operator;

use serde::{Deserialize, Serialize};

use super::{Record, Status};
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::request::FieldError;

/// KV reads at most this many keys in one call.
const MAX_LIMIT: u32 = 100;
const DEFAULT_LIMIT: u32 = 20;

/// How many videos the first look of a filtered page reads; each further look reads twice as many.
const FIRST_LOOK: u32 = 20;

/// How often a filtered page looks. A video that has ended is among those of its status, but one that has not may have any
/// status and must be asked; a request may make a thousand calls.
const MAX_LOOKS: u32 = 8;

/// The last second with ten digits.
const MAX_SECONDS: i64 = 9_999_999_999;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Listing {
    /// 1–100.
    pub limit: u32,
    pub start: Start,
    pub oldest_first: bool,
    #[serde(default)]
    pub filter: Filter,
}

/// Which videos are wanted; every member that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Filter {
    pub status: Option<Status>,
    /// The API's name.
    pub model: Option<String>,
    /// In unix seconds; later ones only.
    pub created_after: Option<i64>,
    /// Only videos that have not ended. Callers of the API have no such parameter.
    #[serde(default)]
    pub unfinished: bool,
}

impl Filter {
    /// Whether only the record tells which videos are wanted: the rows of a list may be older than a change of status.
    #[must_use]
    pub const fn needs_record(&self) -> bool {
        self.status.is_some() || self.model.is_some() || self.unfinished
    }

    /// `model` is the API's name of the record's model.
    #[must_use]
    pub fn fits(&self, record: &Record, model: &str) -> bool {
        self.status.is_none_or(|status| status == record.status)
            && self.model.as_ref().is_none_or(|wanted| wanted == model)
            && self.created_after.is_none_or(|after| record.created_at > after)
            && !(self.unfinished && record.status.is_final())
    }
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
    /// The owner of each.
    #[serde(default)]
    pub owners: Vec<Owner>,
    /// The position of the last id, if the list goes on after it.
    pub end: Option<ListPosition>,
}

impl Listing {
    /// Reads the query parameters. `own` parses an id and returns `None` unless the client owns that video; `model`
    /// returns the API's name of a model, or what is wrong.
    ///
    /// # Errors
    /// All invalid parameters.
    pub fn read<'a>(
        parameter: impl Fn(&str) -> Option<&'a str>,
        own: impl Fn(&str) -> Option<VideoId>,
        model: impl Fn(&str) -> Result<String, String>,
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
        let mut filter = Filter::default();
        if let Some(text) = parameter("status") {
            filter.status = Status::ALL.into_iter().find(|status| status.as_str() == text);
            if filter.status.is_none() {
                wrong("status", "must be queued, in_progress, completed, failed or cancelled");
            }
        }
        match parameter("model").map(model).transpose() {
            Ok(name) => filter.model = name,
            Err(message) => wrong("model", &message),
        }
        if let Some(text) = parameter("created_after") {
            filter.created_after = text.parse().ok().filter(|seconds| (0..=MAX_SECONDS).contains(seconds));
            if filter.created_after.is_none() {
                wrong("created_after", "must be a time in whole unix seconds");
            }
        }
        if errors.is_empty() {
            Ok(Self {
                limit,
                start: after_id.map_or(Start::First, Start::After),
                oldest_first: order == "asc",
                filter,
            })
        } else {
            Err(errors)
        }
    }
}

impl Listing {
    /// How many videos to read next for a page that has `found` videos; `None` after too many looks.
    #[must_use]
    pub fn next_look(&self, found: u32, looks: u32) -> Option<u32> {
        let missing = self.limit.saturating_sub(found);
        if !self.filter.needs_record() {
            return Some(missing);
        }
        // One video more than are missing shows whether the list goes on.
        let size = missing.saturating_add(1).max(FIRST_LOOK << looks.min(MAX_LOOKS));
        (looks < MAX_LOOKS).then_some(size.min(MAX_LIMIT))
    }
}

/// The error message for an `after` that is not in the list.
pub const NOT_AFTER: &str = "must be the id of one of your videos";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameters: &[(&str, &'static str)]) -> Result<Listing, Vec<FieldError>> {
        let value = |name: &str| parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let own = |text: &str| text.starts_with("vid_").then(|| VideoId::from_stored(text.to_owned()));
        Listing::read(value, own, |name| match name {
            "hailuo" => Ok(name.to_owned()),
            _ => Err("must be one of hailuo".to_owned()),
        })
    }

    #[test]
    fn without_parameters_the_page_has_the_newest_20() {
        let filter = Filter::default();
        let newest = Listing { limit: 20, start: Start::First, oldest_first: false, filter };
        assert_eq!(read(&[]), Ok(newest.clone()));
        assert_eq!(read(&[("after", "")]), Ok(newest));
    }

    #[test]
    fn all_parameters_are_read() {
        let filters = [("status", "in_progress"), ("model", "hailuo"), ("created_after", "1700000000")];
        let page = [("limit", "100"), ("after", "vid_a"), ("order", "asc")];
        let listing = read(&[page, filters].concat()).unwrap();
        let start = Start::After(VideoId::from_stored("vid_a".to_owned()));
        let filter = Filter {
            status: Some(Status::InProgress),
            model: Some("hailuo".to_owned()),
            created_after: Some(1_700_000_000),
        };
        assert_eq!(listing, Listing { limit: 100, start, oldest_first: true, filter });
    }

    #[test]
    fn a_filtered_page_reads_a_bounded_number_of_videos() {
        let looks = |limit: &'static str, status: &[(&str, &'static str)]| {
            let listing = read(&[&[("limit", limit)], status].concat()).unwrap();
            (0..10).map_while(|looks| listing.next_look(0, looks)).collect::<Vec<_>>()
        };
        let failed = [("status", "failed")];
        assert_eq!(looks("1", &failed), [20, 40, 80, 100, 100, 100, 100, 100]);
        assert_eq!(looks("50", &failed), [51, 51, 80, 100, 100, 100, 100, 100]);
        assert_eq!(looks("100", &failed), [100; 8]);
        assert_eq!(looks("7", &[]), [7; 10]);
        assert_eq!(looks("7", &[("created_after", "1")]), [7; 10]);
    }

    #[test]
    fn each_invalid_parameter_is_reported() {
        let page = [("limit", "101"), ("after", "x"), ("order", "up")];
        let filters = [("status", "done"), ("model", "sora"), ("created_after", "today")];
        let errors = read(&[page, filters].concat()).unwrap_err();
        assert_eq!(
            errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(),
            ["limit", "after", "order", "status", "model", "created_after"]
        );
        for limit in ["0", "-1", "1.5", "", "ten", "99999999999"] {
            assert!(read(&[("limit", limit)]).is_err(), "{limit:?}");
        }
        for status in ["", "Completed", "completed,failed"] {
            assert!(read(&[("status", status)]).is_err(), "{status:?}");
        }
        for seconds in ["", "-1", "1.5", "10000000000", "2026-11-30"] {
            assert!(read(&[("created_after", seconds)]).is_err(), "{seconds:?}");
        }
    }
}
