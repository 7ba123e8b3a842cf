//! The rules of ARCHITECTURE.md that can be read from the source. Imports go down the layers, never up: a module may use
//! its own layer and those below. One name has one meaning: no two types have the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of each layer, the lowest first. `crate::` reaches no others, but for the names that lib.rs re-exports
/// from layer 0, and for `tools`, which only the tests of the library have.
const LAYERS: [&[&str]; 5] = [
    &[
        "time",
        "clock",
        "codec",
        "color",
        "frame",
        "audio",
        "motion_blur",
        "packet",
        "error",
        "Error",
        "ErrorKind",
        "Result",
        "macros",
        "tools",
        "bits",
        "trace",
    ],
    &["av1", "vp8", "vp9", "filter", "mux", "stream", "still", "blob", "constraints"],
    &["canvas", "devices", "gpu", "source", "encode"],
    &["recorder", "preview"],
    &["main", "cli"],
];

#[test]
fn imports_go_down_only() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut imports = 0;
    let mut faults = Vec::new();
    for file in rust_files(&source) {
        let place = file.strip_prefix(&source).expect("a file in src");
        // lib.rs names every layer.
        if place == Path::new("lib.rs") {
            continue;
        }
        let first = place.components().next().expect("a name");
        let module = Path::new(&first).file_stem().expect("a name").to_string_lossy().into_owned();
        let own = layer(&module).unwrap_or_else(|| panic!("{} is in no layer; see LAYERS", place.display()));
        let text = fs::read_to_string(&file).expect("a readable file");
        for (line, target) in targets(&text, &module) {
            imports += 1;
            match layer(&target) {
                Some(layer) if layer <= own => {}
                Some(layer) => {
                    faults.push(format!("{}:{line}: layer {own} uses `{target}` of layer {layer}", place.display()));
                }
                // The program stands above all of the library and uses its root.
                None if own + 1 == LAYERS.len() => {}
                None => faults.push(format!("{}:{line}: `{target}` is in no layer", place.display())),
            }
        }
    }
    assert!(imports > 50, "only {imports} imports found in {}", source.display());
    assert!(faults.is_empty(), "imports that go up:\n{}", faults.join("\n"));
}

#[test]
fn imports_are_found_however_they_are_written() {
    let names = |text: &str| targets(text, "filter").into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(names("use crate::time::{Span, Timestamp};"), ["time"]);
    assert_eq!(names("let size = crate::frame::Size::new(1, 1);"), ["frame"]);
    assert_eq!(names("use crate::{canvas::Canvas, gpu::{Gpu, pass::Pass}, Result};"), ["canvas", "gpu", "Result"]);
    assert_eq!(names("use crate::{\n    encode,\n    time::Span,\n};"), ["encode", "time"]);
    assert_eq!(names("pub(crate) fn open() {}"), [""; 0]);
    assert_eq!(names("// use crate::recorder;\n/// [`crate::recorder`]\nuse mycrate::x;"), [""; 0]);
    let program = |text: &str| targets(text, "main").into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(program("use framereel::gpu::Gpu;"), ["gpu"]);
}

#[test]
fn no_two_types_have_the_same_name() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut types = BTreeMap::<String, Vec<String>>::new();
    for file in rust_files(&source) {
        let text = fs::read_to_string(&file).expect("a readable file");
        for name in text.lines().filter_map(defined_type) {
            types.entry(name.to_owned()).or_default().push(file.display().to_string());
        }
    }
    assert!(types.len() > 100, "only {} types found in {}", types.len(), source.display());
    types.retain(|_, files| files.len() > 1);
    assert!(types.is_empty(), "types with the same name:\n{types:#?}");
}

/// The type that this line defines, unless it is within a trait, an implementation or a function.
fn defined_type(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
    let line = line.strip_prefix("pub(super) ").unwrap_or(line);
    let rest = ["struct ", "enum ", "trait ", "type "].iter().find_map(|keyword| line.strip_prefix(keyword))?;
    rest.split(|c: char| !c.is_alphanumeric()).next()
}

#[test]
fn definitions_of_types_are_found() {
    assert_eq!(defined_type("pub(super) trait Output: Write + Seek + Send {"), Some("Output"));
    assert_eq!(defined_type("struct Recording<'a> {"), Some("Recording"));
    assert_eq!(defined_type("    type Output = Span;"), None);
    assert_eq!(defined_type("// struct Output"), None);
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The modules that a file reaches through `crate::`, or, in the program, through the library's name; each with its
/// line. Comments do not count.
fn targets(text: &str, module: &str) -> Vec<(usize, String)> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or("").to_owned() + "\n").collect();
    let roots: &[&str] = if ["main", "cli"].contains(&module) { &["crate::", "framereel::"] } else { &["crate::"] };
    let mut found = Vec::new();
    for root in roots {
        for (at, _) in code.match_indices(root) {
            if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':') {
                continue;
            }
            let line = code[..at].lines().count().max(1);
            let path = &code[at + root.len()..];
            let names = match path.strip_prefix('{') {
                Some(group) => first_names(group),
                None => vec![name(path)],
            };
            found.extend(names.into_iter().map(|name| (line, name)));
        }
    }
    found
}

/// The first name of each path in `{a::b, c::{d, e}, f}`, the text after its first brace.
fn first_names(group: &str) -> Vec<String> {
    let mut names = vec![name(group.trim_start())];
    let mut depth = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn name(path: &str) -> String {
    path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
