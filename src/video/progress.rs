//! How far a video is: an estimate from its stage, from the time it took so far, and from the time that it will still
//! take, as far as can be told. Pure arithmetic.

use super::time::Millis;

struct Stage {
    name: &'static str,
    /// Percent that are reached for certain.
    floor: u8,
    /// What is still to come, in percent of the time that such videos take: at least, however long it has
    /// taken so far, and at most.
    remaining: (u64, u64),
}

/// In the order of the upstream's lifecycle. Making the video (`task_start` and `task_output`) takes nearly
/// all of the time; what comes before it may take any.
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

/// A stage that nobody knows is somewhere in the middle.
const UNKNOWN: Stage = stage("", 0, (15, 100));

/// Percent that are reached when the upstream is done.
const STORING: u8 = 96;

/// Percent that only the end goes beyond.
const MAX: u8 = 99;

/// How long the copy takes, about.
const TYPICAL_COPY: Millis = Millis::from_seconds(5);

const fn stage(name: &'static str, floor: u8, remaining: (u64, u64)) -> Stage {
    Stage { name, floor, remaining }
}

fn named(name: &str) -> &'static Stage {
    STAGES.iter().find(|stage| stage.name == name).unwrap_or(&UNKNOWN)
}

/// Percent that a stage alone vouches for.
#[must_use]
pub fn floor(stage: &str) -> u8 {
    named(stage).floor
}

/// What is still to come of the generation, when so much was `expected` and such videos take `typical`: a job that is
/// late still has the end of its stage before it, one that is early has at most what usually follows.
#[must_use]
pub fn remaining(stage: &str, expected: Millis, typical: Millis) -> Millis {
    let (least, most) = named(stage).remaining;
    let share = |percent: u64| typical.get().saturating_mul(percent) / 100;
    Millis::new(expected.get().clamp(share(least), share(most)))
}

/// Percent between what the stage vouches for and storing, after so much time with so much [`remaining`]: it rises
/// evenly as long as all goes as typical, and ever more slowly when it takes longer.
#[must_use]
pub fn while_generating(stage: &str, elapsed: Millis, remaining: Millis) -> u8 {
    let all = elapsed.get().saturating_add(remaining.get()).max(1);
    let floor = floor(stage).min(STORING - 1);
    let percent = elapsed.get().saturating_mul((STORING - floor).into()) / all;
    u8::try_from(percent).map_or(STORING - 1, |percent| (floor + percent).min(STORING - 1))
}

/// Percent after so much time of copying.
#[must_use]
pub fn while_copying(elapsed: Millis) -> u8 {
    let all = elapsed.get().saturating_add(TYPICAL_COPY.get());
    let percent = elapsed.get().saturating_mul((MAX - STORING).into()) / all;
    u8::try_from(percent).map_or(MAX, |percent| STORING + percent).min(MAX)
}

/// The whole of a video's progress when its generation has come to `percent`: upstream's own figure,
/// which knows nothing of what comes after.
#[must_use]
pub fn from_upstream(percent: u8) -> u8 {
    percent.min(MAX)
}

/// Whether one stage comes after another. A stage that nobody knows is where the upstream says it is.
#[must_use]
pub fn is_later(stage: &str, than: &str) -> bool {
    let place = |name: &str| STAGES.iter().position(|stage| stage.name == name);
    match (place(stage), place(than)) {
        (Some(stage), Some(than)) => stage > than,
        _ => stage != than,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPICAL: Millis = Millis::from_seconds(100);

    /// Percent after so many of the 100 seconds that it usually takes.
    fn after(stage: &str, seconds: u64) -> u8 {
        let expected = Millis::from_seconds(100_u64.saturating_sub(seconds));
        while_generating(stage, Millis::from_seconds(seconds), remaining(stage, expected, TYPICAL))
    }

    #[test]
    fn it_rises_evenly_and_then_ever_more_slowly() {
        let seen = [0, 10, 50, 80, 100, 200, 1000, 100_000].map(|seconds| after("task_output", seconds));
        assert_eq!(seen, [8, 16, 52, 78, 81, 88, 94, 95]);
    }

    #[test]
    fn a_job_that_waits_long_has_most_of_it_to_come() {
        let seen = [0, 10, 50, 100, 200].map(|seconds| after("task_queue", seconds));
        assert_eq!(seen, [1, 10, 39, 55, 70]);
    }

    #[test]
    fn a_quick_job_is_believed_to_be_nearly_done() {
        assert_eq!([after("task_output_full", 1), after("task_output_full", 90)], [81, 94]);
        assert_eq!([after("task_end", 30), after("task_postprocess_start", 5)], [93, 89]);
    }

    #[test]
    fn a_copy_ends_below_the_end() {
        let seen = [0, 5, 20, 100_000].map(|seconds| while_copying(Millis::from_seconds(seconds)));
        assert_eq!(seen, [96, 97, 98, 98]);
    }

    proptest! {
        #[test]
        fn neither_time_nor_a_later_stage_lets_it_fall(
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
        fn no_figures_overflow(elapsed: u64, expected: u64, typical: u64) {
            let [elapsed, expected, typical] = [elapsed, expected, typical].map(Millis::new);
            for stage in ["task_queue", "task_output", "task_dreaming"] {
                prop_assert!(while_generating(stage, elapsed, remaining(stage, expected, typical)) < STORING);
            }
            prop_assert!(while_copying(elapsed) <= MAX);
        }
    }
}
