//! What README.md shows is what the examples run.

use std::fs;
use std::path::Path;

/// Without spaces and commas, which rustfmt sets as it likes: the text alone.
fn text(code: &str) -> String {
    let comments = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(comments).collect::<String>().chars().filter(|c| !c.is_whitespace() && *c != ',').collect()
}

#[test]
fn the_browsers_example_in_rust_is_the_program_that_compiles() {
    let read = |name| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file of ours");
    let readme = read("README.md");
    let shown = readme.split("```rust,ignore").nth(1).and_then(|rest| rest.split("```").next()).expect("the example");
    let (shown, program) = (text(shown), text(&read("examples/from_the_browser.rs")));
    assert!(shown.len() > 500, "{shown}");
    assert!(program.contains(&shown), "README.md shows\n{shown}\nwhich is not in\n{program}");
}
