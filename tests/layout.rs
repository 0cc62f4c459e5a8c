//! Checks the rooms of `src/`: a room may use only rooms below it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it uses, which must be further down in the table.
const ROOMS: [(&str, &[&str]); 11] = [
    ("api", &["calls", "upstream", "storage", "config", "runtime", "http", "video", "wiro"]),
    ("dispatcher", &["calls", "upstream", "storage", "config", "runtime", "video", "wiro"]),
    ("task", &["calls", "upstream", "storage", "config", "runtime", "video", "wiro"]),
    ("calls", &["runtime", "video", "wiro"]),
    ("upstream", &["config", "runtime", "wiro"]),
    ("config", &["runtime", "http", "video", "wiro"]),
    ("storage", &["runtime", "video", "wiro"]),
    ("runtime", &["http", "video"]),
    ("http", &["video"]),
    ("video", &[]),
    ("wiro", &[]),
];

/// Rooms that must not depend on the Workers runtime.
const PURE: [&str; 3] = ["http", "video", "wiro"];
const RUNTIME_CRATES: [&str; 4] = ["worker::", "js_sys", "web_sys", "wasm_bindgen"];

const MAX_LINES: usize = 400;
const MAX_FILES: usize = 20;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let files = entries(folder)
        .into_iter()
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// All files of a room: those in its folder, and the file with its name next to it.
fn files_of(room: &str) -> Vec<PathBuf> {
    let folder = source().join(room);
    let beside = folder.with_extension("rs");
    let mut files = rust_files(&folder);
    files.extend(beside.exists().then_some(beside));
    files
}

/// The rooms that a file uses by `crate::`.
fn used(text: &str) -> Vec<String> {
    let names = text.split("crate::").skip(1);
    let names = names.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next());
    names.flatten().map(str::to_owned).collect()
}

#[test]
fn each_room_is_in_the_table() {
    let mut rooms: Vec<_> = entries(&source())
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    rooms.sort();
    let mut known = ROOMS.map(|(room, _)| room.to_owned());
    known.sort();
    assert_eq!(rooms, known);
}

#[test]
fn rooms_use_only_rooms_below_them() {
    for (index, (room, uses)) in ROOMS.iter().enumerate() {
        for used in *uses {
            let floor = ROOMS.iter().position(|(name, _)| name == used).unwrap();
            assert!(floor > index, "{room} may not use {used}, which stands above it");
        }
    }
}

#[test]
fn each_room_uses_exactly_the_rooms_in_the_table() {
    for (room, uses) in ROOMS {
        let mut found: Vec<&str> = Vec::new();
        for file in files_of(room) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains("super::super"), "{} leaves its room by super::super", file.display());
            for name in used(&text) {
                let Some(known) = uses.iter().find(|known| **known == name) else {
                    assert_eq!(name, room, "{} uses crate::{name}", file.display());
                    continue;
                };
                found.push(known);
            }
        }
        for known in uses {
            assert!(found.contains(known), "{room} does not use {known} any more: take it out of the table");
        }
    }
}

#[test]
fn pure_rooms_do_not_use_the_runtime() {
    for room in PURE {
        for file in files_of(room) {
            let text = fs::read_to_string(&file).unwrap();
            for stranger in RUNTIME_CRATES {
                assert!(!text.contains(stranger), "{} mentions {stranger}", file.display());
            }
        }
    }
}

#[test]
fn files_and_folders_are_small() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for file in rust_files(&source()).into_iter().chain(rust_files(&tests)) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines, more than {MAX_LINES}", file.display());
        let folder = file.parent().unwrap();
        let files = entries(folder).iter().filter(|path| path.is_file()).count();
        assert!(files <= MAX_FILES, "{} has {files} files, more than {MAX_FILES}", folder.display());
    }
}
