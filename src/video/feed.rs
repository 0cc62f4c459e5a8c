//! The events of a video, in order: numbered, so that an interrupted client can resume, and bounded in memory.

use std::collections::VecDeque;

use serde::Serialize;

use super::record::Record;

/// Most events that are kept, and most log lines of one video.
const MAX_KEPT: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    Stdout,
    Stderr,
}

/// A cleaned log line of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    pub stream: LogStream,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FeedEvent {
    Video(Box<Record>),
    Log(LogLine),
}

#[derive(Debug)]
pub struct Feed {
    /// The number of the newest event.
    last: u64,
    /// All events after this number are kept.
    floor: u64,
    kept: VecDeque<(u64, FeedEvent)>,
    log_lines: usize,
}

impl Feed {
    /// Numbers start at the current time in milliseconds, so that they grow even after the object lost its memory.
    #[must_use]
    pub fn begin(now_ms: u64) -> Self {
        Self { last: now_ms, floor: now_ms, kept: VecDeque::new(), log_lines: 0 }
    }

    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// All events after this number are kept.
    #[must_use]
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// Numbers and keeps an event; `None` for log lines beyond the limit.
    pub fn add(&mut self, event: FeedEvent) -> Option<u64> {
        if matches!(event, FeedEvent::Log(_)) {
            self.log_lines += 1;
            if self.log_lines > MAX_KEPT {
                return None;
            }
        }
        self.last += 1;
        self.kept.push_back((self.last, event));
        if self.kept.len() > MAX_KEPT
            && let Some((number, _)) = self.kept.pop_front()
        {
            self.floor = number;
        }
        Some(self.last)
    }

    /// The events after this number; `None` if they are not all kept.
    #[must_use]
    pub fn after(&self, number: u64) -> Option<impl Iterator<Item = &(u64, FeedEvent)>> {
        let is_known = (self.floor..=self.last).contains(&number);
        is_known.then(|| self.kept.iter().filter(move |(kept, _)| *kept > number))
    }

    /// The kept log lines.
    pub fn lines(&self) -> impl Iterator<Item = &(u64, FeedEvent)> {
        self.kept.iter().filter(|(_, event)| matches!(event, FeedEvent::Log(_)))
    }

    /// The lines of this stream that are not among the kept events, each as often as it is missing.
    #[must_use]
    pub fn missing_lines(&self, stream: LogStream, lines: Vec<String>) -> Vec<String> {
        let texts = self.kept.iter().filter_map(|(_, event)| match event {
            FeedEvent::Log(line) if line.stream == stream => Some(line.text.lines()),
            _ => None,
        });
        let mut seen: Vec<&str> = texts.flatten().collect();
        let is_missing = |line: &String| {
            let known = seen.iter().position(|text| text == line);
            known.map(|known| seen.swap_remove(known)).is_none()
        };
        lines.into_iter().filter(is_missing).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: usize) -> FeedEvent {
        FeedEvent::Log(LogLine { stream: LogStream::Stdout, text: text.to_string() })
    }

    proptest! {
        #[test]
        fn a_resumed_feed_has_no_gaps_or_repeats(count in 0_usize..MAX_KEPT, cuts in proptest::collection::vec(0_usize..MAX_KEPT, 0..9)) {
            let mut feed = Feed::begin(1000);
            let mut seen: Vec<(u64, FeedEvent)> = Vec::new();
            let resume = |feed: &Feed, seen: &mut Vec<(u64, FeedEvent)>| {
                let last = seen.last().map_or(1000, |(number, _)| *number);
                seen.extend(feed.after(last).unwrap().cloned());
            };
            for text in 0..count {
                feed.add(line(text));
                if cuts.contains(&text) {
                    resume(&feed, &mut seen);
                }
            }
            resume(&feed, &mut seen);
            let texts: Vec<_> = seen.iter().map(|(_, event)| event.clone()).collect();
            prop_assert_eq!(texts, (0..count).map(line).collect::<Vec<_>>());
            prop_assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }

    #[test]
    fn a_feed_is_bounded_and_reports_missing_events() {
        let mut feed = Feed::begin(1000);
        for text in 0..=MAX_KEPT {
            assert_eq!(feed.add(line(text)).is_some(), text < MAX_KEPT);
        }
        assert_eq!(feed.after(1000).unwrap().count(), MAX_KEPT);
        assert!(feed.after(999).is_none() && feed.after(feed.last() + 1).is_none());
        assert_eq!(feed.after(feed.last()).unwrap().count(), 0);
    }

    #[test]
    fn a_late_subscriber_gets_the_missing_lines() {
        let mut feed = Feed::begin(1000);
        feed.add(line(2));
        feed.add(FeedEvent::Log(LogLine { stream: LogStream::Stdout, text: "3\n1".to_owned() }));
        let all = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
        let written = all(&["1", "1", "2", "3", "4"]);
        assert_eq!(feed.missing_lines(LogStream::Stdout, written.clone()), all(&["1", "4"]));
        assert_eq!(feed.missing_lines(LogStream::Stderr, written.clone()), written);
    }
}
