//! Wiro's WebSocket: one asks for a job by its token and is told its life, message by message.

use serde_json::{Value, json};

use super::answer::text;
use super::task::{TaskName, printable};

/// Longest log line that is shown.
const MAX_LINE_CHARS: usize = 500;

/// So many lines are read of all that a run wrote.
const MAX_LINES: usize = 500;

/// Lines with these words are about the account, and nobody else's business.
const PRIVATE_WORDS: [&str; 7] = ["account", "apikey", "api key", "balance", "credit", "secret", "token"];

/// Longer runs of letters and digits are taken for tokens.
const MAX_WORD_CHARS: usize = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Stderr,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// The job has this status.
    Stage(String),
    /// Percent of the generation.
    Progress(u8),
    /// A line that the run wrote, cleaned.
    Line { output: Output, text: String },
    /// All lines that the run wrote to this stream, cleaned.
    Full { output: Output, lines: Vec<String> },
    /// It is over; how, Task/Detail says.
    Ended,
}

/// The first message that is sent, which asks for a job.
#[must_use]
pub fn task_info(name: &TaskName) -> String {
    json!({ "type": "task_info", "tasktoken": name.token }).to_string()
}

/// Reads a message; what says nothing that is understood is nothing.
#[must_use]
pub fn read(message: &str) -> Vec<SocketEvent> {
    let Ok(value) = serde_json::from_str::<Value>(message) else { return Vec::new() };
    let Some(kind) = text(&value, "type").filter(|kind| kind.starts_with("task_")) else { return Vec::new() };
    let content = value.get("message").unwrap_or(&Value::Null);
    let written = |output: Output| spoken(content).map(|text| SocketEvent::Line { output, text });
    let full = |output: Output| {
        let lines = content.get("raw").unwrap_or(content).as_str().unwrap_or_default().lines();
        let lines: Vec<String> = lines.map(clean).filter(|line| !line.is_empty()).take(MAX_LINES).collect();
        (!lines.is_empty()).then_some(SocketEvent::Full { output, lines })
    };
    let stage = SocketEvent::Stage(printable(&kind));
    match kind.as_str() {
        "task_output" => {
            let progress = text(content, "percentage").and_then(|percent| percentage(&percent));
            let event = progress.map(SocketEvent::Progress).or_else(|| written(Output::Stdout));
            [Some(stage), event].into_iter().flatten().collect()
        }
        "task_output_full" => [Some(stage), full(Output::Stdout)].into_iter().flatten().collect(),
        // Lines on stderr are no stages, and no failures either.
        "task_error" => written(Output::Stderr).into_iter().collect(),
        "task_error_full" => full(Output::Stderr).into_iter().collect(),
        "task_postprocess_end" | "task_cancel" => vec![SocketEvent::Ended],
        _ => vec![stage],
    }
}

/// A whole number of percent, 0 to 100, however it is written.
fn percentage(text: &str) -> Option<u8> {
    text.split('.').next()?.parse().ok().filter(|percent| *percent <= 100)
}

fn spoken(content: &Value) -> Option<String> {
    content.as_str().map(str::trim).filter(|text| !text.is_empty()).map(clean)
}

/// Without links, tokens and control characters; what is about the account is left out as a whole.
fn clean(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(clean_line).collect();
    lines.join("\n").chars().take(MAX_LINE_CHARS).collect()
}

fn clean_line(line: &str) -> String {
    // What is judged is what will be seen: control characters must not hide a word from the rules below.
    let words = line.split_whitespace().map(|word| word.replace(char::is_control, ""));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    let lower = line.to_ascii_lowercase();
    if PRIVATE_WORDS.iter().any(|word| lower.contains(word)) {
        return "[…]".to_owned();
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '+' | '=');
    let shown = words.iter().map(|word| {
        let holds_token = word.split(|c| !is_name(c)).any(|run| run.len() > MAX_WORD_CHARS);
        let is_link = word.contains("://") || word.contains("wiro.ai");
        if is_link || holds_token { "[…]" } else { word }
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(kind: &str, message: &Value) -> Vec<SocketEvent> {
        let id = "1";
        read(
            &json!({ "type": kind, "id": id, "tasktoken": "t", "message": message, "result": true })
                .to_string(),
        )
    }

    fn stage(name: &str) -> SocketEvent {
        SocketEvent::Stage(name.to_owned())
    }

    fn line(output: Output, text: &str) -> SocketEvent {
        SocketEvent::Line { output, text: text.to_owned() }
    }

    #[test]
    fn every_message_of_the_seed() {
        for name in [
            "task_queue",
            "task_accept",
            "task_preprocess_start",
            "task_preprocess_end",
            "task_assign",
            "task_start",
            "task_end",
            "task_postprocess_start",
        ] {
            assert_eq!(of(name, &Value::Null), [stage(name)]);
        }
        let percent = json!({ "type": "progressGenerate", "percentage": "60", "stepCurrent": "6" });
        assert_eq!(of("task_output", &percent), [stage("task_output"), SocketEvent::Progress(60)]);
        assert_eq!(
            of("task_output", &json!("Loading")),
            [stage("task_output"), line(Output::Stdout, "Loading")]
        );
        assert_eq!(of("task_error", &json!("Warning")), [line(Output::Stderr, "Warning")]);
        let full = |output| SocketEvent::Full { output, lines: vec!["a".to_owned(), "b".to_owned()] };
        for message in [json!({ "raw": "a\nb" }), json!("a\n \nb\n")] {
            assert_eq!(of("task_output_full", &message), [stage("task_output_full"), full(Output::Stdout)]);
            assert_eq!(of("task_error_full", &message), [full(Output::Stderr)]);
        }
        let outputs = json!([{ "url": "https://cdn1.wiro.ai/a/0.mp4" }]);
        assert_eq!(of("task_postprocess_end", &outputs), [SocketEvent::Ended]);
        assert_eq!(of("task_cancel", &Value::Null), [SocketEvent::Ended]);
    }

    #[test]
    fn what_is_none_of_them_says_nothing() {
        for message in
            ["", "[]", "null", "42", "\"task_end\"", r#"{"type":17}"#, r#"{"type":"connected"}"#, "{"]
        {
            assert_eq!(read(message), [], "{message}");
        }
        assert_eq!(of("task_output", &json!("  ")), [stage("task_output")]);
        assert_eq!(of("task_output_full", &json!({ "raw": " \n" })), [stage("task_output_full")]);
        assert_eq!(of("task_output", &json!({ "percentage": "140" })), [stage("task_output")]);
        assert_eq!(of("task_dreaming", &Value::Null), [stage("task_dreaming")]);
    }

    #[test]
    fn log_lines_keep_secrets() {
        for (written, shown) in [
            ("saved to https://cdn1.wiro.ai/x/0.mp4 now", "saved to […] now"),
            ("key eDcCm5yyUfIvMFspTwww49OUfgXkQt here", "key […] here"),
            ("Your balance is $3.10", "[…]"),
            ("step 1\nuser ACCOUNT 77", "step 1\n[…]"),
            ("run (eDcCm5yyUfIvMFspTwww49OUfgXkQt), done", "run […] done"),
            ("wrote cdn1.wiro.ai/x/0.mp4", "wrote […]"),
            ("\u{1b}[31mred\u{7}", "[31mred"),
            ("at ht\u{1}tps:\u{1}//cdn.example/0.mp4", "at […]"),
            ("your bal\u{1}ance is low", "[…]"),
            ("the api\tkey, the api \u{1} key", "[…]"),
            ("eDcCm5yyUfIv\u{1}MFspTwww49OUfgXkQt", "[…]"),
        ] {
            assert_eq!(of("task_error", &json!(written)), [line(Output::Stderr, shown)]);
        }
        let SocketEvent::Line { text, .. } = &of("task_error", &json!("x ".repeat(900)))[0] else { panic!() };
        assert_eq!(text.chars().count(), MAX_LINE_CHARS);
    }

    #[test]
    fn a_job_is_asked_for_by_its_token() {
        let name = TaskName { task_id: "1".to_owned(), token: Some("t".to_owned()) };
        assert_eq!(task_info(&name), r#"{"tasktoken":"t","type":"task_info"}"#);
    }

    proptest! {
        #[test]
        fn no_message_panics(message in ".{0,200}", kind in "task_[a-z_]{0,12}", content in ".{0,80}") {
            let _ = read(&message);
            let _ = of(&kind, &json!(content));
            let _ = of(&kind, &json!({ "raw": content, "percentage": content }));
        }
    }
}
