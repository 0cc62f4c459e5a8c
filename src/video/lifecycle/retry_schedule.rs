//! Retry schedules: delays from the settings, with jitter.

use thiserror::Error;

use crate::video::time::Millis;

/// Longest delay: a day.
const MAX_DELAY: Millis = Millis::from_seconds(86_400);

/// Delays between tries; the last one repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    first: Millis,
    rest: Vec<Millis>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum RetryScheduleError {
    #[error("must be a comma list of seconds above 0 and up to 86400, such as 2,5,15")]
    Delay,
}

impl RetrySchedule {
    /// Reads a comma-separated list of seconds; fractions are allowed.
    ///
    /// # Errors
    /// [`RetryScheduleError::Delay`] if a delay is not a number in range. It does not quote the value: a secret may
    /// be in the wrong setting, and errors are public.
    pub fn parse(text: &str) -> Result<Self, RetryScheduleError> {
        let mut steps = text.split(',').map(|step| seconds(step.trim()));
        let first = steps.next().unwrap_or(Err(RetryScheduleError::Delay))?;
        Ok(Self { first, rest: steps.collect::<Result<_, _>>()? })
    }

    /// The delay after `attempt` earlier tries, counted from 0.
    #[must_use]
    pub fn delay(&self, attempt: u32) -> Millis {
        self.checked_delay(attempt).or(self.rest.last().copied()).unwrap_or(self.first)
    }

    /// Like [`delay`](Self::delay), but `None` after the last delay.
    #[must_use]
    pub fn checked_delay(&self, attempt: u32) -> Option<Millis> {
        let Some(index) = attempt.checked_sub(1) else { return Some(self.first) };
        self.rest.get(usize::try_from(index).ok()?).copied()
    }

    /// The delay plus or minus up to a fifth, so that jobs that failed together are not retried together. `jitter` is
    /// any random number.
    #[must_use]
    pub fn jittered_delay(&self, attempt: u32, jitter: u16) -> Millis {
        let step = self.delay(attempt).get();
        let spread = step * 2 / 5 * u64::from(jitter) / u64::from(u16::MAX);
        Millis::new(step - step / 5 + spread)
    }
}

fn seconds(step: &str) -> Result<Millis, RetryScheduleError> {
    match Millis::parse(step, Millis::from_seconds(1)) {
        Some(millis) if millis > Millis::new(0) && millis <= MAX_DELAY => Ok(millis),
        _ => Err(RetryScheduleError::Delay),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_delay_repeats() {
        let schedule = RetrySchedule::parse("2, 5,15.5").unwrap();
        let waits: Vec<u64> = (0..5).map(|attempt| schedule.delay(attempt).get()).collect();
        assert_eq!(waits, [2000, 5000, 15_500, 15_500, 15_500]);
        assert_eq!(RetrySchedule::parse("7").unwrap().delay(u32::MAX).get(), 7000);
    }

    #[test]
    fn a_checked_delay_ends_after_the_last_one() {
        let schedule = RetrySchedule::parse("2,5").unwrap();
        let waits = [0, 1, 2, u32::MAX].map(|attempt| schedule.checked_delay(attempt).map(Millis::get));
        assert_eq!(waits, [Some(2000), Some(5000), None, None]);
    }

    #[test]
    fn invalid_delays_are_refused() {
        for bad in [
            "",
            "1,,2",
            "1,x",
            "0",
            "0.0",
            ".5",
            "1.",
            "0.0001",
            "-1",
            "+1",
            "1e3",
            "inf",
            "86401",
            "99999999999999999999",
        ] {
            assert!(RetrySchedule::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_fifth(seconds in 1_u64..86_400, jitter in any::<u16>()) {
            let schedule = RetrySchedule::parse(&seconds.to_string()).unwrap();
            let wait = schedule.jittered_delay(0, jitter).get();
            prop_assert!((seconds * 800..=seconds * 1200).contains(&wait));
        }
    }
}
