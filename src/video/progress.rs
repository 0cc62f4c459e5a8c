//! Estimates the progress from the stage, the elapsed time and the expected remaining time.

use super::time::Millis;

struct Stage {
    name: &'static str,
    /// The progress that the stage guarantees, in percent.
    floor: u8,
    /// The remaining time, in percent of the typical duration: at least and at most.
    remaining: (u64, u64),
}

/// In the order of Wiro's lifecycle. `task_start` and `task_output` take nearly all of the time; earlier stages may
/// take any time.
const STAGES: [Stage; 12] = [
    stage("waiting", 0, (100, 100)),
    stage("task_queue", 1, (75, 100)),
    stage("task_accept", 2, (75, 100)),
    stage("task_preprocess_start", 3, (75, 100)),
    stage("task_preprocess_end", 4, (75, 100)),
    stage("task_assign", 5, (75, 100)),
    stage("task_start", 6, (20, 95)),
    stage("task_output", 8, (20, 95)),
    stage("task_output_full", 80, (3, 10)),
    stage("task_end", 84, (3, 8)),
    stage("task_postprocess_start", 86, (2, 8)),
    stage("storing", STORING, (0, 0)),
];

/// For unknown stages: somewhere in the middle.
const UNKNOWN: Stage = stage("", 0, (15, 100));

/// The progress when Wiro is done.
const STORING: u8 = 96;

/// The highest progress before the end.
const MAX: u8 = 99;

/// The typical time of the copy.
const TYPICAL_COPY: Millis = Millis::from_seconds(5);

const fn stage(name: &'static str, floor: u8, remaining: (u64, u64)) -> Stage {
    Stage { name, floor, remaining }
}

fn find(name: &str) -> &'static Stage {
    STAGES.iter().find(|stage| stage.name == name).unwrap_or(&UNKNOWN)
}

/// The progress that a stage guarantees.
#[must_use]
pub fn floor(stage: &str) -> u8 {
    find(stage).floor
}

/// The remaining generation time, limited by the stage: a late job still has the rest of its stage to do, and an
/// early one at most the usual rest.
#[must_use]
pub fn remaining(stage: &str, expected: Millis, typical: Millis) -> Millis {
    let (least, most) = find(stage).remaining;
    let share = |percent: u64| typical.get().saturating_mul(percent) / 100;
    Millis::new(expected.get().clamp(share(least), share(most)))
}

/// The progress during generation. It rises evenly while the job is on time, and more and more slowly when it is late.
#[must_use]
pub fn while_generating(stage: &str, elapsed: Millis, remaining: Millis) -> u8 {
    let all = elapsed.get().saturating_add(remaining.get()).max(1);
    let floor = floor(stage).min(STORING - 1);
    let percent = elapsed.get().saturating_mul((STORING - floor).into()) / all;
    u8::try_from(percent).map_or(STORING - 1, |percent| (floor + percent).min(STORING - 1))
}

/// The progress during the copy.
#[must_use]
pub fn while_copying(elapsed: Millis) -> u8 {
    let all = elapsed.get().saturating_add(TYPICAL_COPY.get());
    let percent = elapsed.get().saturating_mul((MAX - STORING).into()) / all;
    u8::try_from(percent).map_or(MAX, |percent| STORING + percent).min(MAX)
}

/// The progress for Wiro's own percentage, which does not include the copy.
#[must_use]
pub fn from_upstream(percent: u8) -> u8 {
    percent.min(MAX)
}

/// Whether one stage comes after another. An unknown stage always counts as later.
#[must_use]
pub fn is_later(stage: &str, than: &str) -> bool {
    let index_of = |name: &str| STAGES.iter().position(|stage| stage.name == name);
    match (index_of(stage), index_of(than)) {
        (Some(stage), Some(than)) => stage > than,
        _ => stage != than,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPICAL: Millis = Millis::from_seconds(100);

    /// The progress after this many of the 100 typical seconds.
    fn after(stage: &str, seconds: u64) -> u8 {
        let expected = Millis::from_seconds(100_u64.saturating_sub(seconds));
        while_generating(stage, Millis::from_seconds(seconds), remaining(stage, expected, TYPICAL))
    }

    #[test]
    fn progress_rises_evenly_and_slows_down_when_late() {
        let seen = [0, 10, 50, 80, 100, 200, 1000, 100_000].map(|seconds| after("task_output", seconds));
        assert_eq!(seen, [8, 16, 52, 78, 81, 88, 94, 95]);
    }

    #[test]
    fn a_long_wait_keeps_most_of_the_time_remaining() {
        let seen = [0, 10, 50, 100, 200].map(|seconds| after("task_queue", seconds));
        assert_eq!(seen, [1, 10, 39, 55, 70]);
    }

    #[test]
    fn a_fast_job_is_nearly_done() {
        assert_eq!([after("task_output_full", 1), after("task_output_full", 90)], [81, 94]);
        assert_eq!([after("task_end", 30), after("task_postprocess_start", 5)], [93, 89]);
    }

    #[test]
    fn a_copy_stays_below_100_percent() {
        let seen = [0, 5, 20, 100_000].map(|seconds| while_copying(Millis::from_seconds(seconds)));
        assert_eq!(seen, [96, 97, 98, 98]);
    }

    proptest! {
        #[test]
        fn progress_never_falls(
            from in 0..STAGES.len() - 1, to in 0..STAGES.len() - 1,
            start: u32, more: u32, expected: u32, typical: u32,
        ) {
            let (from, to) = (from.min(to), from.max(to));
            let [start, more, expected, typical] = [start, more, expected, typical].map(u64::from);
            let percent = |stage: usize, elapsed: u64, expected: u64| {
                let name = STAGES[stage].name;
                while_generating(name, Millis::new(elapsed), remaining(name, Millis::new(expected), Millis::new(typical)))
            };
            let before = percent(from, start, expected);
            let after = percent(to, start + more, expected.saturating_sub(more));
            prop_assert!(before <= after && after < STORING, "{before} {after}");
        }

        #[test]
        fn arbitrary_times_do_not_overflow(elapsed: u64, expected: u64, typical: u64) {
            let [elapsed, expected, typical] = [elapsed, expected, typical].map(Millis::new);
            for stage in ["task_queue", "task_output", "task_dreaming"] {
                prop_assert!(while_generating(stage, elapsed, remaining(stage, expected, typical)) < STORING);
            }
            prop_assert!(while_copying(elapsed) <= MAX);
        }
    }
}
