//! A circuit breaker for Run. After a few unknown outcomes in a row only probes are sent, so that queued jobs stay
//! unsent and can safely be sent later.

use crate::video::lifecycle::retry_schedule::RetrySchedule;
use crate::video::time::{Millis, Tick, UnixMillis};

/// This many unknown outcomes in a row open it. One or two happen to a working service.
const MAX_UNKNOWN: u32 = 3;

/// A probe without a report is given up after this. Run takes two minutes at most.
const PROBE_TIMEOUT: Millis = Millis::from_seconds(150);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitBreaker {
    /// All Runs are sent. This many of the last outcomes were unknown.
    Closed { unknown: u32 },
    /// No Run is sent before `until`; this many probes have failed.
    Open { until: UnixMillis, failures: u32 },
    /// A probe was sent; the next one may follow at `until`.
    HalfOpen { until: UnixMillis, failures: u32 },
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::Closed { unknown: 0 }
    }
}

impl CircuitBreaker {
    /// The outcome of a Run is unknown.
    #[must_use]
    pub fn on_unknown(self, retry: &RetrySchedule, tick: Tick) -> Self {
        let open = |failures| Self::Open {
            until: tick.now.after(retry.jittered_delay(failures, tick.jitter)),
            failures,
        };
        match self {
            Self::Closed { unknown } if unknown + 1 < MAX_UNKNOWN => Self::Closed { unknown: unknown + 1 },
            Self::Closed { .. } => open(0),
            // This Run was sent before the breaker opened.
            Self::Open { .. } => self,
            Self::HalfOpen { failures, .. } => open(failures.saturating_add(1)),
        }
    }

    /// Wiro answered a Run, whatever it said.
    #[must_use]
    pub fn on_known() -> Self {
        Self::default()
    }

    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// How many Runs may be sent now; `None` for no limit.
    #[must_use]
    pub fn limit(self, now: UnixMillis) -> Option<u32> {
        self.next_probe().map(|at| u32::from(at <= now))
    }

    /// A Run was sent.
    #[must_use]
    pub fn on_sent(self, now: UnixMillis) -> Self {
        match self {
            Self::Closed { .. } => self,
            Self::Open { failures, .. } | Self::HalfOpen { failures, .. } => {
                Self::HalfOpen { until: now.after(PROBE_TIMEOUT), failures }
            }
        }
    }

    /// Whether known outcomes must be reported too.
    #[must_use]
    pub fn wants_reports(self) -> bool {
        self != Self::default()
    }

    /// When the next probe may be sent; `None` if the breaker is closed.
    #[must_use]
    pub const fn next_probe(self) -> Option<UnixMillis> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { until, .. } | Self::HalfOpen { until, .. } => Some(until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Tick {
        Tick { now: UnixMillis::new(seconds * 1000), jitter: u16::MAX / 2 }
    }

    fn lose(breaker: CircuitBreaker, seconds: i64) -> CircuitBreaker {
        breaker.on_unknown(&RetrySchedule::parse("2,5,15").unwrap(), at(seconds))
    }

    fn wait(breaker: CircuitBreaker, seconds: i64) -> i64 {
        (breaker.next_probe().unwrap().millis() - seconds * 1000 + 500) / 1000
    }

    #[test]
    fn the_third_unknown_outcome_in_a_row_opens_it() {
        let twice = lose(lose(CircuitBreaker::default(), 0), 0);
        assert!(twice.is_closed() && twice.wants_reports());
        assert_eq!((twice.limit(at(0).now), CircuitBreaker::on_known().wants_reports()), (None, false));
        let open = lose(twice, 0);
        assert_eq!((open.is_closed(), wait(open, 0), open.limit(at(1).now)), (false, 2, Some(0)));
        assert_eq!(lose(open, 1), open, "a Run that was sent before");
    }

    #[test]
    fn probes_go_one_at_a_time_and_failures_lengthen_the_delay() {
        let mut breaker = lose(lose(lose(CircuitBreaker::default(), 0), 0), 0);
        for (now, expected) in [(10, 5), (20, 15), (40, 15)] {
            assert_eq!(breaker.limit(at(now).now), Some(1));
            breaker = breaker.on_sent(at(now).now);
            assert_eq!(breaker.limit(at(now + 149).now), Some(0));
            breaker = lose(breaker, now);
            assert_eq!(wait(breaker, now), expected);
        }
    }

    #[test]
    fn a_probe_without_report_is_followed_by_another() {
        let open = lose(lose(lose(CircuitBreaker::default(), 0), 0), 0);
        assert_eq!(open.on_sent(at(3).now).limit(at(153).now), Some(1));
        let closed = CircuitBreaker::default();
        assert_eq!(closed.on_sent(at(3).now), closed);
    }
}
