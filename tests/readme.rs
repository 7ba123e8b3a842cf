//! README.md shows the code of the examples that are run, and quotes the figures that tests use as bounds.

mod support {
    pub mod figures;
}

use std::fs;
use std::path::Path;

use support::figures::{Case, Figures};

/// Without spaces and commas, which rustfmt sets as it likes: the text alone.
fn text(code: &str) -> String {
    let comments = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(comments).collect::<String>().chars().filter(|c| !c.is_whitespace() && *c != ',').collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file of ours")
}

#[test]
fn the_browsers_example_in_rust_is_the_program_that_compiles() {
    let readme = read("README.md");
    let shown = readme.split("```rust,ignore").nth(1).and_then(|rest| rest.split("```").next()).expect("the example");
    let (shown, program) = (text(shown), text(&read("examples/from_the_browser.rs")));
    assert!(shown.len() > 500, "{shown}");
    assert!(program.contains(&shown), "README.md shows\n{shown}\nwhich is not in\n{program}");
}

/// A row of a table: what it is about, and the worst of these cases.
fn row<'a>(about: &str, cases: impl Iterator<Item = &'a Case>) -> String {
    let (most, mean, count) = cases
        .fold((0.0f64, 0.0f64, 0), |(most, mean, count), case| (most.max(case.most), mean.max(case.mean), count + 1));
    assert!(count > 0, "no figures of {about}");
    format!("| {about} | {most:.1} | {mean:.2} |\n")
}

#[test]
fn the_figures_of_the_filters_are_the_bounds_of_the_tests() {
    let Figures { stored, live, test_picture, .. } = Figures::read();
    let only = |chain: &'static str| stored.iter().filter(move |case| case.chain == chain);
    let colours = |case: &&Case| !case.blurs();
    let chain = |case: &&Case| case.blurs() && case.chain.contains(") ") && !case.chain.starts_with("drop-shadow");
    let tables = [
        format!("| {} stored pictures (`tests/filters.rs`) | off at the most | in the mean |\n", stored.len())
            + "|---|---:|---:|\n"
            + &row("colour filters", stored.iter().filter(colours))
            + &row("`blur(2px)`", only("blur(2px)"))
            + &row("`blur(8px)`", only("blur(8px)"))
            + &row("two chains with a blur", stored.iter().filter(chain))
            + &row(
                "`drop-shadow` on an opaque picture, which covers it",
                stored.iter().filter(|case| case.chain.starts_with("drop-shadow")),
            ),
        format!(
            "| {} further chains on {} pictures, a live Chromium (`tests/browser.rs`) | off at the most | in the mean |\n",
            live["film.png"].len(),
            live.len()
        ) + "|---|---:|---:|\n"
            + &row("colour filters", live.values().flatten().filter(colours))
            + &row("blurs and shadows, alone and in chains", live.values().flatten().filter(|case| case.blurs())),
    ];
    let readme = read("README.md");
    for table in tables {
        assert!(readme.contains(&table), "README.md does not have this table:\n{table}");
    }
    let promise = format!("The colours of the test picture come back within {} of 255", test_picture + 1);
    assert!(readme.contains(&promise), "README.md does not say: {promise}");
}

#[test]
fn every_filter_is_named_and_counted() {
    let (readme, changelog) = (read("README.md"), read("CHANGELOG.md"));
    let catalog = framereel::filter::catalog();
    let table = readme.split("## Filters").nth(1).and_then(|rest| rest.split("A chain is written").next());
    for info in catalog {
        let name = format!("`{}`", info.name);
        assert!(table.is_some_and(|table| table.contains(&name)), "{name} in README.md, under Filters");
        assert!(info.name == "shader" || changelog.contains(&name), "{name} in CHANGELOG.md");
    }
    // The user's own shader is no filter of ours.
    let own = catalog.iter().filter(|info| !info.css && info.name != "shader").count();
    assert!(readme.contains(&format!("there are {own} more")), "README.md says `there are {own} more`");
}
