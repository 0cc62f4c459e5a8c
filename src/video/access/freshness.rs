//! When a copy of the dispatcher's clients must be read again. One request reads for all requests of an isolate, so that
//! a flood of wrong tokens causes one read in each interval.

use crate::video::time::{Millis, UnixMillis};

/// A copy of this age is read again.
const MAX_AGE: Millis = Millis::from_seconds(30);

/// While it is read again, requests use a copy of at most this age.
const MAX_AGE_WHILE_READING: Millis = Millis::from_seconds(45);

/// While it cannot be read, requests use a copy of at most this age.
const MAX_AGE_IN_OUTAGE: Millis = Millis::from_seconds(600);

/// A read takes no longer than this.
pub const READ_TIMEOUT: Millis = Millis::from_seconds(3);

/// Wait after a failed read.
const RETRY_DELAY: Millis = Millis::from_seconds(2);

/// What a request does to know the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Use the copy.
    Use,
    /// Read it, and report the result.
    Read,
    /// Another request reads it: look again shortly.
    Wait,
    /// It cannot be read.
    Unknown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    read_at: Option<UnixMillis>,
    /// When a read began that has not ended.
    reading_since: Option<UnixMillis>,
    failed_at: Option<UnixMillis>,
    /// When this isolate last changed the clients: a read that began before may not show it.
    changed_at: Option<UnixMillis>,
}

impl Freshness {
    /// The next step of a request. After [`Step::Read`] the request must report the result.
    pub fn next(&mut self, now: UnixMillis) -> Step {
        let is_within = |at: Option<UnixMillis>, age: Millis| at.is_some_and(|at| now < at.after(age));
        if is_within(self.read_at, MAX_AGE) {
            return Step::Use;
        }
        if is_within(self.reading_since, READ_TIMEOUT) {
            return if is_within(self.read_at, MAX_AGE_WHILE_READING) { Step::Use } else { Step::Wait };
        }
        if is_within(self.failed_at, RETRY_DELAY) {
            return if is_within(self.read_at, MAX_AGE_IN_OUTAGE) { Step::Use } else { Step::Unknown };
        }
        self.reading_since = Some(now);
        Step::Read
    }

    /// A read that began at `since` has ended.
    pub fn on_read(&mut self, since: UnixMillis, succeeded: bool, now: UnixMillis) {
        if succeeded {
            self.failed_at = None;
            if self.changed_at.is_none_or(|changed_at| changed_at < since) {
                // The copy is as old as the question.
                self.read_at = self.read_at.max(Some(since));
            }
        } else {
            self.failed_at = Some(now);
        }
        self.reading_since = self.reading_since.filter(|at| *at != since);
    }

    /// The clients have changed: the next request reads them.
    pub fn invalidate(&mut self, now: UnixMillis) {
        *self = Self { changed_at: Some(now), ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis::new(seconds * 1000)
    }

    #[test]
    fn one_request_reads_and_the_others_wait() {
        let mut copy = Freshness::default();
        assert_eq!([0, 0, 1].map(|now| copy.next(at(now))), [Step::Read, Step::Wait, Step::Wait]);
        copy.on_read(at(0), true, at(1));
        assert_eq!([1, 29].map(|now| copy.next(at(now))), [Step::Use; 2]);
        // While it is read again, nobody waits.
        assert_eq!([30, 30, 31].map(|now| copy.next(at(now))), [Step::Read, Step::Use, Step::Use]);
        copy.on_read(at(30), true, at(32));
        assert_eq!(copy.next(at(59)), Step::Use);
        assert_eq!(copy.next(at(60)), Step::Read);
    }

    #[test]
    fn a_request_that_ended_while_reading_does_not_block_the_others() {
        let mut copy = Freshness::default();
        assert_eq!(
            [0, 2, 3, 4].map(|now| copy.next(at(now))),
            [Step::Read, Step::Wait, Step::Read, Step::Wait]
        );
        // The first one answers after all, but does not end the second one.
        copy.on_read(at(0), false, at(4));
        assert_eq!(copy.next(at(4)), Step::Wait);
        copy.on_read(at(3), true, at(5));
        assert_eq!(copy.next(at(32)), Step::Use);
    }

    #[test]
    fn without_an_answer_an_older_copy_is_used_for_ten_minutes() {
        let mut copy = Freshness::default();
        assert_eq!(copy.next(at(0)), Step::Read);
        copy.on_read(at(0), false, at(1));
        assert_eq!([1, 2].map(|now| copy.next(at(now))), [Step::Unknown; 2]);
        assert_eq!(copy.next(at(3)), Step::Read);
        copy.on_read(at(3), true, at(3));
        assert_eq!(copy.next(at(40)), Step::Read);
        copy.on_read(at(40), false, at(41));
        assert_eq!(copy.next(at(41)), Step::Use);
        assert_eq!(copy.next(at(602)), Step::Read);
        copy.on_read(at(602), false, at(602));
        assert_eq!([602, 603].map(|now| copy.next(at(now))), [Step::Use, Step::Unknown]);
    }

    #[test]
    fn a_change_is_read_at_once() {
        let mut copy = Freshness::default();
        assert_eq!(copy.next(at(0)), Step::Read);
        copy.on_read(at(0), true, at(0));
        assert_eq!(copy.next(at(31)), Step::Read);
        copy.invalidate(at(32));
        // The answer to the question before the change.
        copy.on_read(at(31), true, at(33));
        assert_eq!(copy.next(at(33)), Step::Read);
        copy.on_read(at(33), true, at(34));
        assert_eq!(copy.next(at(34)), Step::Use);
    }
}
