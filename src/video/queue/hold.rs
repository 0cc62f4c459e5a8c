//! How to go on when the upstream has as many jobs as the account may: whoever waits is let in as our own
//! jobs end, and one now and then in case somebody else's did.

use crate::video::lifecycle::schedule::Ladder;
use crate::video::time::{Millis, Moment, UnixMillis};

/// The upstream was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Nobody is let in before, but for a job of ours that ended.
    pub until: UnixMillis,
    /// How often in a row.
    pub refusals: u32,
    /// One was let in to see whether there is room, and has not been turned away so far.
    pub probing: bool,
    /// Jobs of ours that ended since, and whose places nobody has taken.
    pub freed: u32,
}

impl Hold {
    /// Another job was turned away.
    #[must_use]
    pub fn refused(before: Option<Self>, retry_after: Millis, retry: &Ladder, at: Moment) -> Self {
        let refusals = before.map_or(0, |hold| hold.refusals.saturating_add(1));
        let wait = retry.jittered(refusals, at.chance).max(retry_after);
        Self { until: at.now.after(wait), refusals, probing: false, freed: 0 }
    }

    /// A job of ours ended.
    #[must_use]
    pub const fn freed(self) -> Self {
        Self { freed: self.freed.saturating_add(1), ..self }
    }

    /// How many of those who could go are let in, and what holds afterwards.
    #[must_use]
    pub fn admit(self, wanting: u32, retry: &Ladder, now: UnixMillis) -> (Option<Self>, u32) {
        let is_over = self.until <= now;
        if wanting == 0 {
            return (Some(self).filter(|_| !is_over), 0);
        }
        let admitted = wanting.min(self.freed);
        let hold = Self { freed: self.freed - admitted, ..self };
        if admitted < wanting && is_over {
            // A probe: if it is turned away the next one waits longer, else it follows soon.
            let refusals = if self.probing { 0 } else { self.refusals };
            let until = now.after(retry.step(0));
            return (Some(Self { until, refusals, probing: true, ..hold }), admitted + 1);
        }
        (Some(hold), admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Millis = Millis::new(0);

    fn retry() -> Ladder {
        Ladder::parse("2,5,15").unwrap()
    }

    fn at(seconds: i64) -> Moment {
        Moment { now: UnixMillis::new(seconds * 1000), chance: u16::MAX / 2 }
    }

    fn admit(hold: Hold, wanting: u32, seconds: i64) -> (Option<Hold>, u32) {
        hold.admit(wanting, &retry(), at(seconds).now)
    }

    fn wait(hold: Hold, seconds: i64) -> i64 {
        (hold.until.millis() - seconds * 1000 + 500) / 1000
    }

    #[test]
    fn refusals_climb_the_ladder_and_retry_after_is_a_lower_bound() {
        let first = Hold::refused(None, NONE, &retry(), at(0));
        assert_eq!((wait(first, 0), admit(first, 9, 1)), (2, (Some(first), 0)));
        let (probing, admitted) = admit(first, 9, 3);
        assert_eq!(admitted, 1);
        let second = Hold::refused(probing, NONE, &retry(), at(3));
        assert_eq!(wait(second, 3), 5);
        assert_eq!(wait(Hold::refused(Some(second), Millis::from_seconds(60), &retry(), at(0)), 0), 60);
    }

    #[test]
    fn a_probe_that_stays_in_brings_the_next_one_soon() {
        let first = Hold::refused(None, NONE, &retry(), at(0));
        let hold = Hold::refused(Some(first), NONE, &retry(), at(2));
        let (hold, _) = admit(hold, 9, 8);
        let (hold, admitted) = admit(hold.unwrap(), 8, 10);
        assert_eq!((wait(hold.unwrap(), 10), admitted), (2, 1));
        assert_eq!(wait(Hold::refused(hold, NONE, &retry(), at(10)), 10), 5);
    }

    #[test]
    fn each_job_that_ends_lets_one_in_even_if_it_comes_later() {
        let hold = Hold::refused(None, NONE, &retry(), at(0)).freed().freed().freed();
        let (hold, admitted) = admit(hold, 2, 1);
        assert_eq!(admitted, 2);
        let (hold, admitted) = admit(hold.unwrap(), 2, 1);
        assert_eq!(admitted, 1);
        assert_eq!(admit(hold.unwrap(), 2, 1).1, 0);
    }

    #[test]
    fn it_is_over_when_nobody_waits_any_more() {
        let hold = Hold::refused(None, NONE, &retry(), at(0));
        assert_eq!(admit(hold, 0, 1), (Some(hold), 0));
        assert_eq!(admit(hold, 0, 3), (None, 0));
    }
}
