//! The daily limits, and the cost of a video.

use serde::{Deserialize, Serialize};

use crate::video::money::Usd;
use crate::video::record::{FailureCode, Record, Status};
use crate::video::time::UnixMillis;

const DAY_SECONDS: i64 = 86_400;

/// A day of UTC, counted from the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    #[must_use]
    pub const fn of(now: UnixMillis) -> Self {
        Self(now.seconds().div_euclid(DAY_SECONDS))
    }

    /// The day with this number.
    #[must_use]
    pub const fn numbered(number: i64) -> Self {
        Self(number)
    }

    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// When the next day begins, in unix seconds.
    #[must_use]
    pub const fn ends_at(self) -> i64 {
        (self.0 + 1) * DAY_SECONDS
    }
}

/// The cost of a job that has released its slot; `None` if it may have been charged an unknown amount.
#[must_use]
pub fn charge(record: &Record) -> Option<Usd> {
    if let Some(cost) = &record.cost_usd {
        return Usd::parse(cost);
    }
    let is_free = match (record.status, record.error.as_ref().map(|failure| failure.code)) {
        (Status::Queued | Status::Cancelled, _) => true,
        (_, Some(code)) => matches!(
            code,
            FailureCode::GenerationFailed | FailureCode::UpstreamRejected | FailureCode::UpstreamUnavailable
        ),
        _ => false,
    };
    is_free.then(Usd::default)
}

/// The daily limits of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// For all clients together.
    pub budget: Option<Usd>,
    /// For this client.
    pub share: Option<Usd>,
}

/// Why a video cannot be afforded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// The budget of all clients.
    Budget,
    /// The client's own limit.
    Share,
    /// The price is unknown.
    Price,
}

impl Limits {
    #[must_use]
    pub const fn is_unlimited(&self) -> bool {
        self.budget.is_none() && self.share.is_none()
    }

    /// The lower of both limits.
    #[must_use]
    pub fn lowest(&self) -> Option<Usd> {
        [self.budget, self.share].into_iter().flatten().min()
    }

    /// Whether a video of this `price` exceeds a limit. `all` is what was spent or reserved today, `own` the client's
    /// part of it.
    #[must_use]
    pub fn shortage(&self, price: Option<Usd>, all: Usd, own: Usd) -> Option<Shortage> {
        let exceeds =
            |sum: Usd, price: Usd, limit: Option<Usd>| limit.is_some_and(|most| sum.plus(price) > most);
        match price {
            _ if self.is_unlimited() => None,
            None => Some(Shortage::Price),
            Some(price) if exceeds(all, price, self.budget) => Some(Shortage::Budget),
            Some(price) if exceeds(own, price, self.share) => Some(Shortage::Share),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn usd(text: &str) -> Usd {
        Usd::parse(text).unwrap()
    }

    #[test]
    fn a_day_ends_at_midnight_utc() {
        let at = |seconds: i64| Day::of(UnixMillis::new(seconds * 1000));
        let midnight = 1_795_564_800;
        assert_eq!(at(midnight - 1).ends_at(), midnight);
        assert_eq!(at(midnight).ends_at(), midnight + 86_400);
        assert_eq!(Day::of(UnixMillis::new(midnight * 1000 - 1)), at(midnight - 1));
        assert_eq!(at(midnight).number(), at(midnight - 1).number() + 1);
        assert_eq!(at(-1).ends_at(), 0);
    }

    #[test]
    fn a_budget_is_spent_to_the_last_micro_dollar() {
        let limits = Limits { budget: Some(usd("5.60")), share: None };
        let price = Some(usd("0.28"));
        assert_eq!(limits.shortage(price, usd("5.32"), usd("0")), None);
        assert_eq!(limits.shortage(price, usd("5.320001"), usd("0")), Some(Shortage::Budget));
        let nothing = Limits { budget: Some(usd("0")), share: None };
        assert_eq!(nothing.shortage(price, usd("0"), usd("0")), Some(Shortage::Budget));
    }

    #[test]
    fn a_client_limit_counts_only_its_own_videos() {
        let limits = Limits { budget: Some(usd("5")), share: Some(usd("1")) };
        let price = Some(usd("0.50"));
        assert_eq!(limits.shortage(price, usd("4.50"), usd("0.50")), None);
        assert_eq!(limits.shortage(price, usd("1.00"), usd("0.51")), Some(Shortage::Share));
        assert_eq!(limits.shortage(price, usd("4.51"), usd("0")), Some(Shortage::Budget));
        assert_eq!(limits.lowest(), Some(usd("1")));
        let wide = Limits { budget: Some(usd("5")), share: Some(usd("9")) };
        assert_eq!(wide.lowest(), Some(usd("5")));
    }

    #[test]
    fn a_limit_needs_a_known_price() {
        let limits = Limits { budget: None, share: Some(usd("1")) };
        assert_eq!(limits.shortage(None, usd("0"), usd("0")), Some(Shortage::Price));
        assert_eq!(Limits::default().shortage(None, usd("9"), usd("9")), None);
    }

    #[test]
    fn each_ending_has_its_charge() {
        let record = |status: &str, code: Option<&str>, cost: Option<&str>| {
            let mut json: Value =
                serde_json::from_str(include_str!("../../../tests/stored/record-v1.json")).unwrap();
            json["status"] = status.into();
            json["error"] = code.map_or(Value::Null, |code| json!({ "code": code, "message": "m" }));
            json["cost_usd"] = cost.into();
            charge(&serde_json::from_value::<Record>(json).unwrap())
        };
        assert_eq!(record("completed", None, Some("0.31")), Some(usd("0.31")));
        assert_eq!(record("failed", Some("storage_failed"), Some("0.31")), Some(usd("0.31")));
        assert_eq!(record("failed", Some("generation_failed"), Some("0.1")), Some(usd("0.1")));
        for (status, code) in [
            ("queued", None),
            ("cancelled", None),
            ("failed", Some("generation_failed")),
            ("failed", Some("upstream_rejected")),
            ("failed", Some("upstream_unavailable")),
        ] {
            assert_eq!(record(status, code, None), Some(Usd::default()), "{status} {code:?}");
        }
        for (status, code) in [
            ("in_progress", None),
            ("completed", None),
            ("failed", Some("upstream_timeout")),
            ("failed", Some("submission_unknown")),
            ("failed", Some("storage_failed")),
        ] {
            assert_eq!(record(status, code, None), None, "{status} {code:?}");
        }
        assert_eq!(record("completed", None, Some("much")), None);
    }
}
