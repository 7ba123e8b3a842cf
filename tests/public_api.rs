//! The public interface of the library, as rustdoc shows it, compared with `tests/data/public-api.txt`, so that a
//! review shows its changes. `FRAMEREEL_UPDATE_API=1 cargo test --profile testing --test public_api` writes the list
//! anew.

#[path = "support/program.rs"]
mod program;
#[path = "support/tools.rs"]
mod tools;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use program::run;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LIST: &str = "tests/data/public-api.txt";

/// What rustdoc writes is read as text, which may be another with another version.
fn rustdoc() -> String {
    let version = run(Command::new("rustdoc").arg("--version").current_dir(ROOT), &[]).succeeded().stdout;
    version.split(" (").next().unwrap_or_default().trim().to_owned()
}

/// The library's documentation as HTML, made with what clippy has checked already.
fn documentation() -> PathBuf {
    let tests = env::current_exe().expect("this program");
    let target = tests.ancestors().nth(3).expect("the build's folder");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["doc", "--quiet", "--offline", "--no-deps", "--lib", "--profile", "testing", "--target-dir"]);
    run(command.arg(target).current_dir(ROOT).env("RUSTDOCFLAGS", "-D warnings"), &[]).succeeded();
    target.join("doc/framereel")
}

/// The pages of items below this folder: structs, enums, traits, functions, constants and type aliases.
fn pages(folder: &Path, into: &mut Vec<PathBuf>) {
    const KINDS: [&str; 7] = ["struct.", "enum.", "trait.", "fn.", "constant.", "type.", "macro."];
    for entry in fs::read_dir(folder).expect("documentation") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            pages(&path, into);
        } else if path.file_name().is_some_and(|name| KINDS.iter().any(|kind| name.to_string_lossy().starts_with(kind)))
        {
            into.push(path);
        }
    }
}

/// The text of HTML, each run of space as one.
fn text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text += before;
        rest = tag.split_once('>').map_or("", |(_, rest)| rest);
    }
    text += rest;
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    let text = entities.iter().fold(text, |text, (entity, letter)| text.replace(entity, letter));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What lies between `begin` and `end`, each time.
fn between<'a>(html: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    html.split(begin).skip(1).filter_map(|rest| rest.split_once(end).map(|(inner, _)| inner)).collect()
}

/// One item: its declaration, its methods and constants, and the traits that it implements by our own word.
fn item(html: &str) -> String {
    let declaration = between(html, "<pre class=\"rust item-decl\"><code>", "</code></pre>");
    let mut lines: Vec<String> = declaration.first().map(|html| text(html)).into_iter().collect();
    let (own, rest) = html.split_once("id=\"trait-implementations\"").unwrap_or((html, ""));
    let members = own
        .split("<section id=\"")
        .filter(|section| section.starts_with("method.") || section.starts_with("associatedconstant."));
    let members = members.flat_map(|member| between(member, "<h4 class=\"code-header\">", "</h4>").into_iter().next());
    lines.extend(members.map(|member| format!("    {}", text(member))));
    let traits = rest.split("id=\"synthetic-implementations\"").next().unwrap_or_default();
    let traits: BTreeSet<String> =
        between(traits, "<h3 class=\"code-header\">", "</h3>").into_iter().map(text).collect();
    lines.extend(traits.into_iter().map(|line| format!("    {line}")));
    lines.join("\n")
}

#[test]
fn the_public_face_is_the_one_that_is_listed() {
    let rustdoc = rustdoc();
    let file = Path::new(ROOT).join(LIST);
    let listed = fs::read_to_string(&file).unwrap_or_default();
    let renew = env::var_os("FRAMEREEL_UPDATE_API").is_some_and(|value| !value.is_empty());
    if !renew && !listed.starts_with(&format!("# {rustdoc}\n")) {
        let made = listed.lines().next().unwrap_or_default();
        return eprintln!("skipped: the list was made by `{made}`, and `{rustdoc}` may write other words");
    }
    let folder = documentation();
    let mut files = Vec::new();
    pages(&folder, &mut files);
    let mut items: Vec<String> = files
        .iter()
        .filter_map(|path| {
            let item = item(&fs::read_to_string(path).expect("a page"));
            let place = path.parent().and_then(|place| place.strip_prefix(&folder).ok()).expect("a page of ours");
            let module = place.components().map(|part| format!("::{}", part.as_os_str().display())).collect::<String>();
            // For an item that a private module exports elsewhere, rustdoc writes a page that only redirects.
            (!item.is_empty()).then(|| format!("framereel{module}\n{item}"))
        })
        .collect();
    items.sort();
    assert!(items.len() > 100, "only {} items found in {}", items.len(), folder.display());
    let found = format!("# {rustdoc}\n\n{}\n", items.join("\n\n"));
    if renew {
        return fs::write(&file, found).expect("a list");
    }
    let (listed, found): (BTreeSet<_>, BTreeSet<_>) = (listed.lines().collect(), found.lines().collect());
    let gone: Vec<_> = listed.difference(&found).collect();
    let new: Vec<_> = found.difference(&listed).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "the public face has changed; run with FRAMEREEL_UPDATE_API=1 and look at the difference\ngone: {gone:#?}\n\
         new: {new:#?}"
    );
}
