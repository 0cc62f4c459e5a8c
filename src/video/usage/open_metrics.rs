//! Usage and the state of the service in the text format of `OpenMetrics` 1.0.

use std::fmt::Write;

use super::{Counter, UsageReport, UsageRow};
use crate::video::money::Usd;

/// What the service looks like now.
#[derive(Clone, Copy, Debug)]
pub struct ServiceState {
    /// Jobs that wait for a slot.
    pub waiting: u32,
    /// Jobs that have a slot.
    pub active: u32,
    pub is_paused: bool,
    /// Whether Runs are held back because Wiro does not answer.
    pub is_circuit_open: bool,
    /// Unix seconds.
    pub last_sweep_at: Option<i64>,
    pub daily_budget: Option<Usd>,
}

/// The text. Usage consists of gauges: a redrive takes a failure back, a refusal a submit, and a counter must never
/// fall. The rows of the report have a model, and no other key.
#[must_use]
pub fn open_metrics(version: &str, state: &ServiceState, report: &UsageReport) -> String {
    let mut text = Text::default();
    text.metric("hailuo_build", "info", "The version of the Worker.");
    text.sample("hailuo_build_info", &[("version", version)], 1);

    text.metric("hailuo_videos_submitted", "gauge", "Accepted videos.");
    for row in &report.rows {
        text.sample("hailuo_videos_submitted", &[model(row)], row.count(Counter::Submitted));
    }
    text.metric(
        "hailuo_videos_ended",
        "gauge",
        "Videos by how they ended: completed, cancelled or a failure code.",
    );
    for row in &report.rows {
        let is_ending = |counter: &Counter| !matches!(counter, Counter::Submitted | Counter::Seconds);
        for counter in Counter::ALL.into_iter().filter(is_ending) {
            let labels = [model(row), ("outcome", counter.name())];
            text.sample("hailuo_videos_ended", &labels, row.count(counter));
        }
    }
    text.metric("hailuo_video_seconds", "gauge", "Seconds of completed videos.");
    for row in &report.rows {
        text.sample("hailuo_video_seconds", &[model(row)], row.count(Counter::Seconds));
    }
    text.metric("hailuo_spent_usd", "gauge", "What Wiro charged.");
    for row in &report.rows {
        text.sample("hailuo_spent_usd", &[model(row)], row.spent);
    }

    let (spent, reserved) = report.today;
    text.metric("hailuo_today_spent_usd", "gauge", "Spent on this day of UTC.");
    text.sample("hailuo_today_spent_usd", &[], spent);
    text.metric("hailuo_today_reserved_usd", "gauge", "Reserved for videos that have not ended.");
    text.sample("hailuo_today_reserved_usd", &[], reserved);
    if let Some(budget) = state.daily_budget {
        text.metric("hailuo_today_budget_usd", "gauge", "DAILY_BUDGET_USD.");
        text.sample("hailuo_today_budget_usd", &[], budget);
    }

    text.metric("hailuo_jobs", "gauge", "Jobs that wait for a slot, and jobs that have one.");
    text.sample("hailuo_jobs", &[("state", "waiting")], state.waiting);
    text.sample("hailuo_jobs", &[("state", "active")], state.active);
    text.metric("hailuo_paused", "gauge", "1 while the operator has paused all submits.");
    text.sample("hailuo_paused", &[], u8::from(state.is_paused));
    text.metric("hailuo_circuit_open", "gauge", "1 while Runs are held back because Wiro does not answer.");
    text.sample("hailuo_circuit_open", &[], u8::from(state.is_circuit_open));
    if let Some(at) = state.last_sweep_at {
        text.metric("hailuo_last_sweep_timestamp_seconds", "gauge", "When the cron trigger last swept.");
        text.sample("hailuo_last_sweep_timestamp_seconds", &[], at);
    }
    text.0 + "# EOF\n"
}

fn model(row: &UsageRow) -> (&'static str, &str) {
    ("model", row.key.model.as_deref().unwrap_or_default())
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# TYPE {name} {kind}\n# HELP {name} {help}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

/// The value of a label.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::usage::UsageKey;

    #[test]
    fn usage_and_state_become_lines() {
        let mut row =
            UsageRow::empty(UsageKey { model: Some("a \"b\\\n".to_owned()), ..UsageKey::default() });
        row.counts = (1..=10).collect();
        row.spent = Usd::from_micros(560_000);
        let report = UsageReport { rows: vec![row], today: (Usd::from_micros(280_000), Usd::default()) };
        let state = ServiceState {
            waiting: 3,
            active: 2,
            is_paused: false,
            is_circuit_open: true,
            last_sweep_at: None,
            daily_budget: Some(Usd::from_micros(5_000_000)),
        };
        let text = open_metrics("1.2.3", &state, &report);
        for line in [
            "hailuo_build_info{version=\"1.2.3\"} 1",
            "hailuo_videos_submitted{model=\"a \\\"b\\\\\\n\"} 1",
            "hailuo_videos_ended{model=\"a \\\"b\\\\\\n\",outcome=\"completed\"} 2",
            "hailuo_videos_ended{model=\"a \\\"b\\\\\\n\",outcome=\"storage_failed\"} 10",
            "hailuo_video_seconds{model=\"a \\\"b\\\\\\n\"} 4",
            "hailuo_spent_usd{model=\"a \\\"b\\\\\\n\"} 0.56",
            "hailuo_today_spent_usd 0.28",
            "hailuo_today_budget_usd 5.00",
            "hailuo_jobs{state=\"waiting\"} 3",
            "hailuo_circuit_open 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(!text.contains("last_sweep"));
        assert!(text.ends_with("\n# EOF\n"));
    }
}
