//! Usage: how many videos, seconds and dollars, by day, client and model.

pub mod calendar;
pub mod csv;
pub mod query;

use serde::{Deserialize, Serialize};

use super::money::Usd;
use super::record::{FailureCode, Record, Status};

/// Days that usage is kept, today included.
pub const KEPT_DAYS: i64 = 400;

/// How a video ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Ending {
    pub status: Status,
    /// Of a failed video.
    pub code: Option<FailureCode>,
    /// The seconds of a completed video.
    pub seconds: u16,
}

impl Ending {
    /// `None` unless the video has ended.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let seconds = || record.input.duration.or_else(|| record.output.as_ref()?.whole_seconds());
        record.status.is_final().then(|| Self {
            status: record.status,
            code: record
                .error
                .as_ref()
                .map(|failure| failure.code)
                .filter(|_| record.status == Status::Failed),
            seconds: if record.status == Status::Completed { seconds().unwrap_or_default() } else { 0 },
        })
    }

    /// The counter of this ending.
    #[must_use]
    pub const fn counter(&self) -> Counter {
        match (self.status, self.code) {
            (_, Some(code)) => Counter::Failed(code),
            (Status::Cancelled, None) => Counter::Cancelled,
            _ => Counter::Completed,
        }
    }
}

/// What usage counts, besides money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    Submitted,
    Completed,
    Cancelled,
    Failed(FailureCode),
    /// The seconds of completed videos.
    Seconds,
}

impl Counter {
    /// In the order of the columns of a table.
    pub const ALL: [Self; 10] = [
        Self::Submitted,
        Self::Completed,
        Self::Cancelled,
        Self::Seconds,
        Self::Failed(FailureCode::GenerationFailed),
        Self::Failed(FailureCode::UpstreamRejected),
        Self::Failed(FailureCode::UpstreamUnavailable),
        Self::Failed(FailureCode::UpstreamTimeout),
        Self::Failed(FailureCode::SubmissionUnknown),
        Self::Failed(FailureCode::StorageFailed),
    ];

    /// The stored name, which is that of the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Seconds => "seconds",
            Self::Failed(code) => code.as_str(),
        }
    }

    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|counter| counter.name() == name)
    }
}

/// The usage of a day, a client and a model, as far as the query asks for each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct UsageRow {
    pub key: UsageKey,
    /// In the order of [`Counter::ALL`].
    pub counts: Vec<i64>,
    pub spent: Usd,
    pub reserved: Usd,
}

/// `None` for what the query does not ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct UsageKey {
    /// Counted from the Unix epoch.
    pub day: Option<i64>,
    /// Empty for videos without a client.
    pub client: Option<String>,
    pub model: Option<String>,
}

/// The answer to a query.
#[derive(Debug, Deserialize, Serialize)]
pub struct UsageReport {
    /// Sorted by key.
    pub rows: Vec<UsageRow>,
    /// What all clients together have spent and reserved today.
    pub today: (Usd, Usd),
}

impl UsageRow {
    #[must_use]
    pub fn empty(key: UsageKey) -> Self {
        Self { key, counts: vec![0; Counter::ALL.len()], spent: Usd::default(), reserved: Usd::default() }
    }

    #[must_use]
    pub fn count(&self, counter: Counter) -> i64 {
        let counts = Counter::ALL.into_iter().zip(&self.counts);
        counts.filter(|(known, _)| *known == counter).map(|(_, count)| *count).sum()
    }

    /// Failed videos by code, where there are some.
    pub fn failures(&self) -> impl Iterator<Item = (FailureCode, i64)> {
        let counts = Counter::ALL.into_iter().zip(&self.counts);
        counts.filter_map(|(counter, count)| match counter {
            Counter::Failed(code) if *count != 0 => Some((code, *count)),
            _ => None,
        })
    }

    #[must_use]
    pub fn failed(&self) -> i64 {
        self.failures().map(|(_, count)| count).sum()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| *count == 0) && self.spent.plus(self.reserved) == Usd::default()
    }

    /// Adds another row.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(&other.counts) {
            *sum = sum.saturating_add(*count);
        }
        self.spent = self.spent.plus(other.spent);
        self.reserved = self.reserved.plus(other.reserved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counter_has_one_name() {
        for counter in Counter::ALL {
            assert_eq!(Counter::read(counter.name()), Some(counter));
        }
        assert_eq!(Counter::read("failed"), None);
    }

    #[test]
    fn an_ending_is_counted_by_status_and_code() {
        let mut record: Record =
            serde_json::from_str(include_str!("../../tests/stored/record-v1.json")).unwrap();
        let ending = Ending::of(&record).unwrap();
        assert_eq!((ending.counter(), ending.seconds), (Counter::Completed, 6));
        record.status = Status::Cancelled;
        let ending = Ending::of(&record).unwrap();
        assert_eq!((ending.counter(), ending.seconds), (Counter::Cancelled, 0));
        record.status = Status::Failed;
        let code = FailureCode::StorageFailed;
        record.error = Some(crate::video::record::Failure { code, message: String::new() });
        assert_eq!(Ending::of(&record).unwrap().counter(), Counter::Failed(code));
        record.status = Status::InProgress;
        assert_eq!(Ending::of(&record), None);
    }

    #[test]
    fn rows_are_added() {
        let mut sum = UsageRow::empty(UsageKey::default());
        assert!(sum.is_empty());
        let mut row = sum.clone();
        row.counts = (1..=10).collect();
        row.spent = Usd::from_micros(280_000);
        sum.add(&row);
        sum.add(&row);
        assert_eq!((sum.count(Counter::Submitted), sum.count(Counter::Seconds)), (2, 8));
        assert_eq!((sum.failed(), sum.spent.to_string().as_str()), (90, "0.56"));
    }
}
