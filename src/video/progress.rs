//! How far a video is, guessed from the stage alone. Pure arithmetic.

/// Percent reached when a stage begins, in the order of the upstream's lifecycle. Making the video
/// (`task_start` to `task_output_full`) takes nearly all of the time.
const STAGES: [(&str, u8); 12] = [
    ("waiting", 0),
    ("task_queue", 2),
    ("task_accept", 5),
    ("task_preprocess_start", 8),
    ("task_preprocess_end", 10),
    ("task_assign", 12),
    ("task_start", 15),
    ("task_output", 40),
    ("task_output_full", 85),
    ("task_end", 88),
    ("task_postprocess_start", 90),
    ("storing", 95),
];

/// The estimate for a stage, 0–99; `None` for a stage that says nothing about progress.
#[must_use]
pub fn estimate(stage: &str) -> Option<u8> {
    STAGES.iter().find(|(name, _)| *name == stage).map(|(_, percent)| *percent)
}

/// The whole of a video's progress when its generation has come to `percent`, 0–99: upstream's own figure,
/// which knows nothing of what comes after.
#[must_use]
pub fn of_generation(percent: u8) -> u8 {
    percent.min(99)
}

/// Whether one stage comes after another. A stage that nobody knows is where the upstream says it is.
#[must_use]
pub fn is_later(stage: &str, than: &str) -> bool {
    let place = |stage: &str| STAGES.iter().position(|(name, _)| *name == stage);
    match (place(stage), place(than)) {
        (Some(stage), Some(than)) => stage > than,
        _ => stage != than,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_rise_and_stay_below_the_end() {
        assert!(STAGES.windows(2).all(|pair| pair[0].1 < pair[1].1));
        assert!(STAGES.iter().all(|(_, percent)| *percent < 100));
        assert_eq!(estimate("task_output"), Some(40));
        assert_eq!(estimate("task_error"), None);
    }
}
