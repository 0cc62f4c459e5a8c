//! How long videos take at the upstream: what is supposed at first, and what was seen lately. Pure arithmetic.

use super::record::Input;
use super::time::Millis;

/// Each video weighs at least one part in so many, so that old times are forgotten.
const MAX_LESSONS: u32 = 8;

/// The seconds that such a video takes, before one was seen.
#[must_use]
pub fn supposed(input: &Input) -> Millis {
    let is_small = input.resolution.as_ref().is_none_or(|resolution| resolution.as_str() != "1080P");
    let is_short = input.duration.is_none_or(|seconds| seconds <= 6);
    if is_small && is_short { Millis::from_seconds(120) } else { Millis::from_seconds(210) }
}

/// The model that a kind without one means.
pub const FIRST_MODEL_PATH: &str = "minimax/hailuo-2-3";

/// Model, resolution and seconds: `minimax/hailuo-2-3:768P/6`. Videos of one kind take about as long as each other, and
/// cost the same.
#[must_use]
pub fn kind(model_path: &str, input: &Input) -> String {
    let resolution = input.resolution.as_ref().map_or("", |resolution| resolution.as_str());
    let duration = input.duration.map(|seconds| seconds.to_string()).unwrap_or_default();
    format!("{model_path}:{resolution}/{duration}")
}

/// The model and the format of a kind. Where there was one model, kinds did not name it.
#[must_use]
pub fn model_and_format(kind: &str) -> (&str, &str) {
    kind.rsplit_once(':').unwrap_or((FIRST_MODEL_PATH, kind))
}

/// How long videos of one kind took lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    pub usual: Millis,
    /// Videos it rests on, as far as they still matter.
    pub lessons: u32,
}

impl Pace {
    /// Another one `took` so long, from Run's acceptance to the end of its generation: the mean of the first ones,
    /// later an exponentially weighted one. Each counts for at most half as much again as was known, and at least two
    /// thirds of it: an outlier must not spoil everything.
    #[must_use]
    pub fn learn(before: Option<Self>, took: Millis) -> Self {
        let Some(Self { usual, lessons }) = before else { return Self { usual: took, lessons: 1 } };
        let lessons = lessons.saturating_add(1).min(MAX_LESSONS);
        let usual = usual.get();
        let took = took.get().clamp(usual * 2 / 3, usual * 3 / 2);
        let weight = u64::from(lessons);
        Self { usual: Millis::new((usual * (weight - 1) + took) / weight), lessons }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(seconds: &[u64]) -> Option<Pace> {
        seconds.iter().fold(None, |pace, took| Some(Pace::learn(pace, Millis::from_seconds(*took))))
    }

    fn usual(seconds: &[u64]) -> u64 {
        learned(seconds).unwrap().usual.seconds()
    }

    #[test]
    fn the_first_lesson_is_believed_and_the_next_ones_weigh_the_same() {
        assert_eq!(usual(&[100]), 100);
        assert_eq!(usual(&[100, 140]), 120);
        assert_eq!(usual(&[100, 140, 90]), 110);
    }

    #[test]
    fn old_times_are_forgotten() {
        let slower = [[100; 50], [200; 50]].concat();
        assert!((198..=200).contains(&usual(&slower)));
    }

    #[test]
    fn an_outlier_does_not_spoil_everything() {
        let settled = [100; 20].to_vec();
        let with = |outlier: u64| usual(&[settled.clone(), vec![outlier]].concat());
        assert_eq!(with(100_000), 106);
        assert_eq!(with(0), 95);
    }
}
