//! How long videos take at Wiro: a default, then an average of recent ones.

use super::record::Input;
use super::time::Millis;

/// The weight of a new sample is at least one part in this many, so that old samples are forgotten.
const MAX_SAMPLE_COUNT: u32 = 8;

/// The duration that is assumed before the first sample.
#[must_use]
pub fn default_duration(input: &Input) -> Millis {
    let is_small = input.resolution.as_ref().is_none_or(|resolution| resolution.as_str() != "1080P");
    let is_short = input.duration.is_none_or(|seconds| seconds <= 6);
    if is_small && is_short { Millis::from_seconds(120) } else { Millis::from_seconds(210) }
}

/// The model of a kind that names none.
pub const FIRST_MODEL_PATH: &str = "minimax/hailuo-2-3";

/// Model, resolution and seconds, such as `minimax/hailuo-2-3:768P/6`. Videos of one kind take about the same time and cost
/// the same.
#[must_use]
pub fn kind(model_path: &str, input: &Input) -> String {
    let resolution = input.resolution.as_ref().map_or("", |resolution| resolution.as_str());
    let duration = input.duration.map(|seconds| seconds.to_string()).unwrap_or_default();
    format!("{model_path}:{resolution}/{duration}")
}

/// The model and the format of a kind. Earlier versions knew one model and did not name it.
#[must_use]
pub fn model_and_format(kind: &str) -> (&str, &str) {
    kind.rsplit_once(':').unwrap_or((FIRST_MODEL_PATH, kind))
}

/// The typical duration of one kind of video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypicalDuration {
    pub typical: Millis,
    /// The number of samples, up to `MAX_SAMPLE_COUNT`.
    pub sample_count: u32,
}

impl TypicalDuration {
    /// Adds the time from the start of a job to the end of its generation: first a mean, later an exponentially
    /// weighted one. A sample counts as at least two thirds and at most one and a half of the old value, which limits
    /// outliers.
    #[must_use]
    pub fn with_sample(before: Option<Self>, took: Millis) -> Self {
        let Some(Self { typical, sample_count }) = before else {
            return Self { typical: took, sample_count: 1 };
        };
        let sample_count = sample_count.saturating_add(1).min(MAX_SAMPLE_COUNT);
        let typical = typical.get();
        let took = took.get().clamp(typical * 2 / 3, typical * 3 / 2);
        let weight = u64::from(sample_count);
        Self { typical: Millis::new((typical * (weight - 1) + took) / weight), sample_count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_samples(seconds: &[u64]) -> Option<TypicalDuration> {
        seconds.iter().fold(None, |before, took| {
            Some(TypicalDuration::with_sample(before, Millis::from_seconds(*took)))
        })
    }

    fn typical(seconds: &[u64]) -> u64 {
        after_samples(seconds).unwrap().typical.seconds()
    }

    #[test]
    fn the_first_samples_weigh_the_same() {
        assert_eq!(typical(&[100]), 100);
        assert_eq!(typical(&[100, 140]), 120);
        assert_eq!(typical(&[100, 140, 90]), 110);
    }

    #[test]
    fn old_samples_are_forgotten() {
        let slower = [[100; 50], [200; 50]].concat();
        assert!((198..=200).contains(&typical(&slower)));
    }

    #[test]
    fn outliers_are_limited() {
        let settled = [100; 20].to_vec();
        let with = |outlier: u64| typical(&[settled.clone(), vec![outlier]].concat());
        assert_eq!(with(100_000), 106);
        assert_eq!(with(0), 95);
    }
}
