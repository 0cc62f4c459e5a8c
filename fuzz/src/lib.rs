//! What is fuzzed. The same inputs are replayed by `tests/corpora.rs` without a fuzzer.

pub mod targets;
