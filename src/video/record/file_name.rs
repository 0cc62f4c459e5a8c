//! What a video is called on its owner's disk: by the first words of its prompt.

use std::ops::RangeInclusive;

use super::Record;

/// Of a name without its extension: with four bytes a character, still below the 255 bytes of most file systems.
const MAX_STEM_CHARS: usize = 60;

/// Characters beyond ASCII that separate words: punctuation, symbols, and what is invisible or reorders text.
const SEPARATORS: [RangeInclusive<char>; 19] = [
    '\u{80}'..='\u{a9}',
    '\u{ab}'..='\u{b4}',
    '\u{b6}'..='\u{b9}',
    '\u{bb}'..='\u{bf}',
    '\u{60c}'..='\u{60d}',
    '\u{61b}'..='\u{61f}',
    '\u{964}'..='\u{965}',
    '\u{1680}'..='\u{1680}',
    '\u{180e}'..='\u{180e}',
    // General punctuation to symbols and arrows, with the spaces and the marks that turn the direction.
    '\u{2000}'..='\u{2bff}',
    '\u{2e00}'..='\u{2e7f}',
    '\u{3000}'..='\u{3004}',
    '\u{3008}'..='\u{3020}',
    '\u{fe00}'..='\u{fe6f}',
    '\u{feff}'..='\u{ff0f}',
    '\u{ff1a}'..='\u{ff20}',
    '\u{ff3b}'..='\u{ff40}',
    '\u{ff5b}'..='\u{ff65}',
    // Emoji.
    '\u{1f000}'..='\u{1faff}',
];

/// Parts of the code that no script uses, and special characters.
const WITHOUT_GLYPHS: [RangeInclusive<char>; 3] =
    ['\u{e000}'..='\u{f8ff}', '\u{fff0}'..='\u{ffff}', '\u{e0000}'..='\u{10ffff}'];

impl Record {
    /// The name without its extension, in the script of the prompt; the id where there are no words.
    #[must_use]
    pub fn file_stem(&self) -> String {
        self.stem_of(|_| true)
    }

    /// The same of the words that are ASCII.
    #[must_use]
    pub fn ascii_file_stem(&self) -> String {
        self.stem_of(str::is_ascii)
    }

    fn stem_of(&self, is_usable: impl Fn(&str) -> bool) -> String {
        let words = self.input.prompt.split(is_separator);
        let mut stem = String::new();
        let mut length = 0;
        for word in words.filter(|word| !word.is_empty() && is_usable(word)) {
            let chars = word.chars().count();
            if !stem.is_empty() {
                if length + 1 + chars > MAX_STEM_CHARS {
                    break;
                }
                stem.push('-');
                length += 1;
            }
            // The first word may be a whole sentence: not every script separates words.
            stem.extend(word.chars().take(MAX_STEM_CHARS).map(|c| c.to_ascii_lowercase()));
            length += chars;
        }
        if stem.is_empty() { self.id.to_string() } else { stem }
    }
}

fn is_separator(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_alphanumeric();
    }
    SEPARATORS.iter().chain(&WITHOUT_GLYPHS).any(|range| range.contains(&c))
}
