//! Hostile input: each test is a fault that existed, or could exist.
#![cfg(unix)]

mod chains;
mod films;
mod matroska;
mod mp4;
mod pictures;
mod playlists;
mod shaders;

#[path = "../support/elements.rs"]
mod elements;
#[path = "../support/limited.rs"]
mod limited;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/tools.rs"]
mod tools;

use std::path::Path;

#[test]
#[ignore = "runs in child processes of the other tests"]
fn child() {
    limited::child(|task| panic!("{task:?}"));
}

#[test]
fn every_test_that_security_md_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let mut names = 0;
    let mut file = String::new();
    for quoted in text.split('`').skip(1).step_by(2) {
        if quoted.ends_with(".rs") {
            file = std::fs::read_to_string(root.join(quoted)).unwrap_or_else(|error| panic!("{quoted}: {error}"));
        } else if quoted.contains('_') && quoted.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            assert!(file.contains(&format!("fn {quoted}()")), "{quoted}");
            names += 1;
        }
    }
    assert!(names > 25, "{names}");
}
