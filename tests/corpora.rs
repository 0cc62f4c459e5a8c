//! Runs the fuzz targets with the stored inputs, as regression tests. Each line of a corpus is a JSON string whose
//! characters are the bytes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use targets::{TARGETS, run};

fn inputs(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let lines = fs::read_to_string(folder.join(format!("{name}.jsonl"))).unwrap();
    let bytes = |line: &str| {
        let text: String = serde_json::from_str(line).unwrap();
        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
    };
    lines.lines().map(bytes).collect()
}

#[test]
fn no_stored_fuzz_input_panics() {
    for (name, _) in TARGETS {
        let inputs = inputs(name);
        assert!(inputs.len() >= 3, "{name} has lost its corpus");
        for input in inputs {
            let outcome = catch_unwind(|| run(name, &input));
            assert!(outcome.is_ok(), "{name}: {:?}", String::from_utf8_lossy(&input));
        }
    }
}
