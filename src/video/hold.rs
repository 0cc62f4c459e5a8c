//! How to go on when the upstream has as many jobs as the account may: who waits is let in one at a
//! time, as soon as one of our jobs ends, or after a while in case somebody else's did.

use super::schedule::Ladder;
use super::time::{Millis, Moment, UnixMillis};

/// The upstream was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Until then nobody is let in but for a job that ended.
    pub until: UnixMillis,
    pub refusals: u32,
    /// One was let in to see whether there is room, and has not been turned away so far.
    pub probing: bool,
}

impl Hold {
    /// Another job was turned away.
    #[must_use]
    pub fn refused(before: Option<Self>, retry_after: Millis, retry: &Ladder, at: Moment) -> Self {
        let refusals = before.map_or(0, |hold| hold.refusals.saturating_add(1));
        let wait = retry.jittered(refusals, at.chance).max(retry_after);
        Self { until: at.now.after(wait), refusals, probing: false }
    }

    /// One is let in to see whether there is room. If it is turned away the next one waits longer, else
    /// it follows soon.
    #[must_use]
    pub fn probe(self, retry: &Ladder, now: UnixMillis) -> Self {
        let refusals = if self.probing { 0 } else { self.refusals };
        Self { until: now.after(retry.step(0)), refusals, probing: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry() -> Ladder {
        Ladder::parse("2,5,15").unwrap()
    }

    fn at(millis: i64) -> Moment {
        Moment { now: UnixMillis::new(millis), chance: u16::MAX / 2 }
    }

    fn wait(hold: Hold, now: i64) -> i64 {
        (hold.until.millis() - now + 500) / 1000
    }

    #[test]
    fn refusals_climb_the_ladder_and_retry_after_is_a_lower_bound() {
        let none = Millis::new(0);
        let first = Hold::refused(None, none, &retry(), at(0));
        assert_eq!(wait(first, 0), 2);
        let second =
            Hold::refused(Some(first.probe(&retry(), UnixMillis::new(2000))), none, &retry(), at(2100));
        assert_eq!(wait(second, 2100), 5);
        assert_eq!(wait(Hold::refused(Some(second), Millis::new(60_000), &retry(), at(0)), 0), 60);
    }

    #[test]
    fn a_probe_that_stays_in_brings_the_next_one_soon() {
        let mut hold = Hold::refused(None, Millis::new(60_000), &retry(), at(0));
        hold = Hold::refused(Some(hold), Millis::new(0), &retry(), at(60_000));
        hold = hold.probe(&retry(), UnixMillis::new(65_000)).probe(&retry(), UnixMillis::new(67_000));
        assert_eq!(wait(hold, 67_000), 2);
        assert_eq!(wait(Hold::refused(Some(hold), Millis::new(0), &retry(), at(67_100)), 67_100), 5);
    }
}
