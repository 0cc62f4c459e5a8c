//! The query of `GET /operator/usage`.

use serde::{Deserialize, Serialize};

use super::KEPT_DAYS;
use super::calendar::parse_day;
use crate::video::money::budget::Day;
use crate::video::record::listing::operator::check_names;
use crate::video::request::FieldError;

const PARAMETERS: [&str; 4] = ["from", "to", "group_by", "format"];

/// The days of a report without `from` and `to`, today included.
const DEFAULT_DAYS: i64 = 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UsageQuery {
    /// The first and the last day, counted from the Unix epoch.
    pub from: i64,
    pub to: i64,
    pub group_by: Grouping,
}

/// What has rows of its own; at least one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Grouping {
    pub day: bool,
    pub client: bool,
    pub model: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Csv,
}

impl UsageQuery {
    /// Reads decoded query parameters.
    ///
    /// # Errors
    /// All invalid parameters.
    pub fn read(parameters: &[(String, String)], today: Day) -> Result<(Self, Format), Vec<FieldError>> {
        let mut errors = check_names(parameters, &PARAMETERS);
        let mut wrong = |field: &str, message: String| {
            errors.push(FieldError { field: field.to_owned(), message });
        };
        let value = |name: &str| {
            let mut named = parameters.iter().filter(|(known, _)| known == name);
            named.next().map(|(_, value)| value.as_str())
        };
        let mut day = |name: &str| {
            let text = value(name)?;
            let day = parse_day(text).map(Day::number);
            if day.is_none() {
                wrong(name, "must be a day as YYYY-MM-DD".to_owned());
            }
            Some(day)
        };
        let (from, to) = (day("from"), day("to"));
        let to = to.unwrap_or_else(|| Some(today.number()));
        let from = from.unwrap_or_else(|| to.map(|to| to - (DEFAULT_DAYS - 1)));
        let range = from.zip(to);
        match range {
            Some((from, to)) if to < from => wrong("to", "must not be before from".to_owned()),
            Some((from, to)) if to - from >= KEPT_DAYS => {
                wrong("to", format!("must be less than {KEPT_DAYS} days after from"));
            }
            _ => {}
        }
        let group_by = Grouping::read(value("group_by").unwrap_or("day"));
        if group_by.is_none() {
            wrong("group_by", "must be a comma list of day, client and model, each once".to_owned());
        }
        let format = match value("format") {
            None | Some("json") => Some(Format::Json),
            Some("csv") => Some(Format::Csv),
            Some(_) => None,
        };
        if format.is_none() {
            wrong("format", "must be json or csv".to_owned());
        }
        match (range, group_by, format) {
            (Some((from, to)), Some(group_by), Some(format)) if errors.is_empty() => {
                Ok((Self { from, to, group_by }, format))
            }
            _ => Err(errors),
        }
    }
}

impl Grouping {
    fn read(text: &str) -> Option<Self> {
        let mut grouping = Self::default();
        for name in text.split(',') {
            let chosen = match name.trim() {
                "day" => &mut grouping.day,
                "client" => &mut grouping.client,
                "model" => &mut grouping.model,
                _ => return None,
            };
            if std::mem::replace(chosen, true) {
                return None;
            }
        }
        Some(grouping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Day = Day::numbered(20_787); // 2026-11-30

    fn read(parameters: &[(&str, &str)]) -> Result<(UsageQuery, Format), Vec<FieldError>> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        UsageQuery::read(&parameters.iter().map(owned).collect::<Vec<_>>(), TODAY)
    }

    #[test]
    fn without_parameters_the_report_has_the_last_30_days() {
        let group_by = Grouping { day: true, ..Grouping::default() };
        assert_eq!(read(&[]), Ok((UsageQuery { from: 20_758, to: 20_787, group_by }, Format::Json)));
    }

    #[test]
    fn all_parameters_are_read() {
        let (query, format) = read(&[
            ("from", "2026-11-01"),
            ("to", "2026-11-02"),
            ("group_by", "model, client"),
            ("format", "csv"),
        ])
        .unwrap();
        assert_eq!((query.to - query.from, format), (1, Format::Csv));
        assert_eq!(query.group_by, Grouping { day: false, client: true, model: true });
        let (query, _) = read(&[("to", "2026-01-30")]).unwrap();
        assert_eq!(query.to - query.from, 29);
    }

    #[test]
    fn a_report_has_at_most_400_days() {
        assert!(read(&[("from", "2025-10-27")]).is_ok());
        assert_eq!(read(&[("from", "2025-10-26")]).unwrap_err().len(), 1);
    }

    #[test]
    fn each_invalid_parameter_is_reported() {
        let fields = |parameters: &[(&str, &str)]| {
            let errors = read(parameters).unwrap_err();
            errors.into_iter().map(|error| error.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(&[("from", "2026-12-01")]), ["to"]);
        assert_eq!(fields(&[("from", "yesterday"), ("to", "")]), ["from", "to"]);
        assert_eq!(
            fields(&[("form", "csv"), ("group_by", "owner"), ("format", "xml")]),
            ["form", "group_by", "format"]
        );
        for wrong in ["", "day,day", "day,", "day client"] {
            assert_eq!(fields(&[("group_by", wrong)]), ["group_by"], "{wrong}");
        }
    }
}
