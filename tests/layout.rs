//! The arrows of the architecture: the domain and the wire format are pure and know neither each other
//! nor the platform.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn assert_unknown(folder: &str, strangers: &[&str]) {
    let files = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder));
    assert!(!files.is_empty(), "{folder} has moved");
    for file in files {
        let text = fs::read_to_string(&file).unwrap().replace(&format!("crate::{folder}::"), "");
        // What stands in for serde is a language, not a part of the whole.
        let text = text.replace("crate::json", "").replace("crate::from_json", "");
        for stranger in strangers {
            assert!(!text.contains(stranger), "{} mentions {stranger}", file.display());
        }
    }
}

#[test]
fn the_pure_modules_know_no_runtime_and_not_each_other() {
    assert_unknown("video", &["worker::", "js_sys", "web_sys", "crate::"]);
    assert_unknown("wiro", &["worker::", "js_sys", "web_sys", "crate::"]);
}

#[test]
fn the_platform_does_not_know_the_api() {
    assert_unknown("platform", &["crate::api", "crate::route", "crate::error"]);
}
