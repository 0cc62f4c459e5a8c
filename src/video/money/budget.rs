//! What may be spent in a day, and what a video takes of it. Pure arithmetic.

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

    /// The day of that number.
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

/// What a job that needs no place at the upstream any more has cost; `None` while it may have been charged, and nobody
/// knows how much.
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

/// What a client may spend in a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// With everybody else.
    pub budget: Option<Usd>,
    /// By itself.
    pub share: Option<Usd>,
}

/// Why a video cannot be afforded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// Everybody's budget of the day.
    Budget,
    /// The client's share of it.
    Share,
    /// Nobody knows what it would cost.
    Price,
}

impl Limits {
    #[must_use]
    pub const fn are_none(&self) -> bool {
        self.budget.is_none() && self.share.is_none()
    }

    /// The most that the client can spend in a day.
    #[must_use]
    pub fn least(&self) -> Option<Usd> {
        [self.budget, self.share].into_iter().flatten().min()
    }

    /// Whether a video of that `price` can be afforded after `all` was spent or reserved today, `own` of it by the
    /// client.
    #[must_use]
    pub fn shortage(&self, price: Option<Usd>, all: Usd, own: Usd) -> Option<Shortage> {
        let exceeds =
            |sum: Usd, price: Usd, limit: Option<Usd>| limit.is_some_and(|most| sum.plus(price) > most);
        match price {
            _ if self.are_none() => None,
            None => Some(Shortage::Price),
            Some(price) if exceeds(all, price, self.budget) => Some(Shortage::Budget),
            Some(price) if exceeds(own, price, self.share) => Some(Shortage::Share),
            Some(_) => None,
        }
    }
}

/// `PRICES_USD`: prices by the kind of a video, for when the upstream does not tell.
#[derive(Debug, Default)]
pub struct Prices(Vec<(String, Usd)>);

/// Resolution and seconds of every video there is.
const KINDS: [&str; 3] = ["768P/6", "768P/10", "1080P/6"];

const PRICES_RULE: &str = "must be prices such as 768P/6=0.28,768P/10=0.56,1080P/6=0.49, each once";

impl Prices {
    /// Reads a comma list of `kind=price`; empty for none.
    ///
    /// # Errors
    /// What they must be.
    pub fn parse(list: &str) -> Result<Self, &'static str> {
        let mut prices = Self::default();
        for entry in list.split(',').map(str::trim).filter(|_| !list.is_empty()) {
            let (kind, price) = entry.split_once('=').ok_or(PRICES_RULE)?;
            let kind = kind.trim();
            let price = Usd::parse(price.trim()).ok_or(PRICES_RULE)?;
            if !KINDS.contains(&kind) || prices.of(kind).is_some() {
                return Err(PRICES_RULE);
            }
            prices.0.push((kind.to_owned(), price));
        }
        Ok(prices)
    }

    #[must_use]
    pub fn of(&self, kind: &str) -> Option<Usd> {
        self.0.iter().find(|(known, _)| known == kind).map(|(_, price)| *price)
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
    fn a_share_is_a_clients_own() {
        let limits = Limits { budget: Some(usd("5")), share: Some(usd("1")) };
        let price = Some(usd("0.50"));
        assert_eq!(limits.shortage(price, usd("4.50"), usd("0.50")), None);
        assert_eq!(limits.shortage(price, usd("1.00"), usd("0.51")), Some(Shortage::Share));
        assert_eq!(limits.shortage(price, usd("4.51"), usd("0")), Some(Shortage::Budget));
        assert_eq!(limits.least(), Some(usd("1")));
        let wide = Limits { budget: Some(usd("5")), share: Some(usd("9")) };
        assert_eq!(wide.least(), Some(usd("5")));
    }

    #[test]
    fn a_price_matters_where_there_is_a_limit() {
        let limits = Limits { budget: None, share: Some(usd("1")) };
        assert_eq!(limits.shortage(None, usd("0"), usd("0")), Some(Shortage::Price));
        assert_eq!(Limits::default().shortage(None, usd("9"), usd("9")), None);
    }

    #[test]
    fn a_charge_is_what_is_known_of_it() {
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

    #[test]
    fn prices_are_read_as_a_whole_or_not_at_all() {
        let prices = Prices::parse("768P/6=0.28, 1080P/6 = 0.49").unwrap();
        assert_eq!(prices.of("768P/6"), Some(usd("0.28")));
        assert_eq!(prices.of("1080P/6"), Some(usd("0.49")));
        assert_eq!(prices.of("768P/10"), None);
        assert!(Prices::parse("").unwrap().of("768P/6").is_none());
        for wrong in
            ["768P/6", "768P/6=", "768p/6=1", "768P/7=1", "768P/6=1,768P/6=2", "768P/6=1,", "=1", "0.28"]
        {
            assert!(Prices::parse(wrong).is_err(), "{wrong}");
        }
    }
}
