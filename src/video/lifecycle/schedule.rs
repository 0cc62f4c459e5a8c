//! When to try again: ladders of waits, read from settings, with jitter for retries.

use thiserror::Error;

use crate::video::time::Millis;

/// Longest step of a ladder: a day.
const MAX_STEP: Millis = Millis::from_seconds(86_400);

/// Waits between tries; the last one repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    first: Millis,
    rest: Vec<Millis>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum LadderError {
    #[error("must be a comma list of seconds above 0 and up to 86400, such as 2,5,15")]
    Step,
}

impl Ladder {
    /// Reads a comma list of seconds; fractions are allowed.
    ///
    /// # Errors
    /// [`LadderError::Step`] when a step is not a number in range. It does not say which: settings may be
    /// mixed up, and errors are shown.
    pub fn parse(text: &str) -> Result<Self, LadderError> {
        let mut steps = text.split(',').map(|step| seconds(step.trim()));
        let first = steps.next().unwrap_or(Err(LadderError::Step))?;
        Ok(Self { first, rest: steps.collect::<Result<_, _>>()? })
    }

    /// The wait after `attempt` earlier tries, counted from 0.
    #[must_use]
    pub fn step(&self, attempt: u32) -> Millis {
        self.nth(attempt).or(self.rest.last().copied()).unwrap_or(self.first)
    }

    /// The same for whoever gives up behind the last one.
    #[must_use]
    pub fn nth(&self, attempt: u32) -> Option<Millis> {
        let Some(index) = attempt.checked_sub(1) else { return Some(self.first) };
        self.rest.get(usize::try_from(index).ok()?).copied()
    }

    /// [`step`](Self::step), spread by a fifth to either side, so that jobs that failed together do not
    /// return together; `chance` is any random number.
    #[must_use]
    pub fn jittered(&self, attempt: u32, chance: u16) -> Millis {
        let step = self.step(attempt).get();
        let spread = step * 2 / 5 * u64::from(chance) / u64::from(u16::MAX);
        Millis::new(step - step / 5 + spread)
    }
}

fn seconds(step: &str) -> Result<Millis, LadderError> {
    match Millis::parse(step, Millis::from_seconds(1)) {
        Some(millis) if millis > Millis::new(0) && millis <= MAX_STEP => Ok(millis),
        _ => Err(LadderError::Step),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_step_repeats() {
        let ladder = Ladder::parse("2, 5,15.5").unwrap();
        let waits: Vec<u64> = (0..5).map(|attempt| ladder.step(attempt).get()).collect();
        assert_eq!(waits, [2000, 5000, 15_500, 15_500, 15_500]);
        assert_eq!(Ladder::parse("7").unwrap().step(u32::MAX).get(), 7000);
    }

    #[test]
    fn who_gives_up_does_so_behind_the_last_step() {
        let ladder = Ladder::parse("2,5").unwrap();
        let waits = [0, 1, 2, u32::MAX].map(|attempt| ladder.nth(attempt).map(Millis::get));
        assert_eq!(waits, [Some(2000), Some(5000), None, None]);
    }

    #[test]
    fn bad_steps_are_refused() {
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
            assert!(Ladder::parse(bad).is_err(), "{bad:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_fifth(seconds in 1_u64..86_400, chance in any::<u16>()) {
            let ladder = Ladder::parse(&seconds.to_string()).unwrap();
            let wait = ladder.jittered(0, chance).get();
            prop_assert!((seconds * 800..=seconds * 1200).contains(&wait));
        }
    }
}
