//! When to try again: ladders of waits, read from settings, with jitter for retries.

use thiserror::Error;

use super::time::Millis;

/// Retries are spread by this much to either side, so that jobs that failed together do not return
/// together.
const JITTER: f64 = 0.2;

/// Longest step of a ladder: a day.
const MAX_STEP_SECONDS: f64 = 86_400.0;

/// Waits between tries; the last one repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    first: Millis,
    rest: Vec<Millis>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum LadderError {
    #[error("must be a comma list of seconds above 0 and up to 86400, such as 2,5,15; {0:?} is not")]
    Step(String),
}

impl Ladder {
    /// Reads a comma list of seconds; fractions are allowed.
    ///
    /// # Errors
    /// [`LadderError::Step`] with the step that is not a number in range.
    pub fn parse(text: &str) -> Result<Self, LadderError> {
        let mut steps = text.split(',').map(|step| seconds(step.trim()));
        let first = steps.next().unwrap_or_else(|| Err(LadderError::Step(String::new())))?;
        Ok(Self { first, rest: steps.collect::<Result<_, _>>()? })
    }

    /// The wait after `attempt` earlier tries, counted from 0.
    #[must_use]
    pub fn step(&self, attempt: u32) -> Millis {
        let Some(index) = attempt.checked_sub(1) else { return self.first };
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        *self.rest.get(index).or(self.rest.last()).unwrap_or(&self.first)
    }

    /// [`step`](Self::step), spread by ±20 %; `chance` is a random number in `0.0..1.0`.
    #[must_use]
    pub fn jittered(&self, attempt: u32, chance: f64) -> Millis {
        let factor = 1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0);
        millis(self.step(attempt).get() as f64 * factor)
    }
}

fn seconds(step: &str) -> Result<Millis, LadderError> {
    match step.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= MAX_STEP_SECONDS => Ok(millis(value * 1000.0)),
        _ => Err(LadderError::Step(step.to_owned())),
    }
}

/// Steps are at most a day, far inside what both types hold exactly.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 < value < 2^53")]
fn millis(value: f64) -> Millis {
    Millis::new(value.ceil().max(1.0) as u64)
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
    fn bad_steps_are_named() {
        for bad in ["", "1,,2", "1,x", "0", "-1", "NaN", "inf", "86401"] {
            assert!(Ladder::parse(bad).is_err(), "{bad:?} was accepted");
        }
        assert_eq!(Ladder::parse("1,x"), Err(LadderError::Step("x".to_owned())));
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_fifth(seconds in 1_u64..86_400, chance in 0.0..1.0_f64) {
            let ladder = Ladder::parse(&seconds.to_string()).unwrap();
            let wait = ladder.jittered(0, chance).get();
            prop_assert!(wait >= seconds * 800 && wait <= seconds * 1200 + 1);
        }
    }
}
