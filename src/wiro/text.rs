//! Cleans Wiro's texts for the public (log lines and the reason of a failure): links, tokens and everything about the
//! account are removed.

/// Longest text.
const MAX_CHARS: usize = 500;

/// Lines with these words are about the account, and private.
const PRIVATE_WORDS: [&str; 7] = ["account", "apikey", "api key", "balance", "credit", "secret", "token"];

/// Longer words count as tokens.
const MAX_WORD_CHARS: usize = 24;

/// Replaces a removed text.
const OMITTED: &str = "[…]";

/// Removes links, tokens and control characters, line by line; at most 500 characters.
#[must_use]
pub fn clean(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(clean_line).collect();
    lines.join("\n").chars().take(MAX_CHARS).collect()
}

/// The last output of a failed run, cleaned, in one line of at most 500 characters; `None` if nothing of it is
/// public. Errors end with their reason, so the last lines are kept.
#[must_use]
pub fn failure_reason(written: &str) -> Option<String> {
    let mut reason = String::new();
    let lines = written.lines().rev().map(clean_line);
    for line in lines.filter(|line| line.chars().any(char::is_alphanumeric)) {
        let longer = if reason.is_empty() { line } else { format!("{line} {reason}") };
        if longer.chars().count() > MAX_CHARS {
            if reason.is_empty() {
                reason = longer.chars().take(MAX_CHARS).collect();
            }
            break;
        }
        reason = longer;
    }
    (!reason.is_empty()).then_some(reason)
}

fn clean_line(line: &str) -> String {
    // The rules check the visible text: control characters must not hide a word from them.
    let words = line.split_whitespace().map(|word| word.replace(char::is_control, ""));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    let lower = line.to_ascii_lowercase();
    if PRIVATE_WORDS.iter().any(|word| lower.contains(word)) {
        return OMITTED.to_owned();
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '+' | '=');
    let shown = words.iter().map(|word| {
        let is_token = |run: &str| run.len() > MAX_WORD_CHARS && run.contains(char::is_alphanumeric);
        let holds_token = word.split(|c| !is_name(c)).any(is_token);
        let is_link = word.contains("://") || word.contains("wiro.ai");
        if is_link || holds_token { OMITTED } else { word }
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_tokens_and_account_lines_are_removed() {
        for (written, shown) in [
            ("saved to https://cdn1.wiro.ai/x/0.mp4 now", "saved to […] now"),
            ("key eDcCm5yyUfIvMFspTwww49OUfgXkQt here", "key […] here"),
            ("Your balance is $3.10", "[…]"),
            ("step 1\nuser ACCOUNT 77", "step 1\n[…]"),
            ("run (eDcCm5yyUfIvMFspTwww49OUfgXkQt), done", "run […] done"),
            ("wrote cdn1.wiro.ai/x/0.mp4", "wrote […]"),
            ("[=============-----------------] 44%", "[=============-----------------] 44%"),
            ("\u{1b}[31mred\u{7}", "[31mred"),
            ("at ht\u{1}tps:\u{1}//cdn.example/0.mp4", "at […]"),
            ("your bal\u{1}ance is low", "[…]"),
            ("the api\tkey, the api \u{1} key", "[…]"),
            ("eDcCm5yyUfIv\u{1}MFspTwww49OUfgXkQt", "[…]"),
        ] {
            assert_eq!(clean(written), shown);
        }
        assert_eq!(clean(&"x ".repeat(900)).chars().count(), MAX_CHARS);
    }

    #[test]
    fn the_reason_is_the_last_line() {
        let reason = |written: &str| failure_reason(written);
        assert_eq!(reason("CUDA out of memory").as_deref(), Some("CUDA out of memory"));
        assert_eq!(reason("Loading\n\nYour balance is $3\n---\n").as_deref(), Some("Loading"));
        for nothing in ["", " \n", "[…]", "your account", "https://a.example/b", "***"] {
            assert_eq!(reason(nothing), None, "{nothing}");
        }
        let traceback = format!("{}\nError: refused by moderation", "at line 7\n".repeat(200));
        let shown = reason(&traceback).unwrap();
        assert!(shown.ends_with("Error: refused by moderation") && shown.chars().count() <= MAX_CHARS);
        assert_eq!(reason(&"x ".repeat(900)).unwrap().chars().count(), MAX_CHARS);
    }

    proptest! {
        #[test]
        fn cleaned_text_is_never_longer(written in "(.|\n){0,900}") {
            prop_assert!(failure_reason(&written).is_none_or(|reason| reason.chars().count() <= MAX_CHARS));
            prop_assert!(clean(&written).chars().count() <= MAX_CHARS);
        }

        #[test]
        fn urls_and_tokens_are_removed_everywhere(token in "[A-Za-z0-9]{30}", before in "[a-z ]{0,9}") {
            let written = format!("{before} {token} https://cdn1.wiro.ai/{token}/0.mp4");
            prop_assert!(!failure_reason(&written).unwrap_or_default().contains(&token));
        }
    }
}
