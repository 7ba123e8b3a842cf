//! Manual pages, completions of shells, and `make install`, which puts them where they belong.
#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses its part")]
mod support {
    pub mod program;
    pub mod tools;
}

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use support::program::{Bench, run};
use support::tools;

const PROGRAM: &str = env!("CARGO_BIN_EXE_framereel");

/// Whether this program is here, which judges our files where it is.
fn is_here(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// The commands that `framereel --help` lists.
fn commands(bench: &Bench) -> Vec<String> {
    let help = bench.run(["--help"]).succeeded().stdout;
    let list = help.split("Commands:\n").nth(1).expect("a list of commands").split("\n\n").next().expect("its end");
    // Summaries that go on are further right.
    let names =
        list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    let names: Vec<_> = names.filter(|name| *name != "help").map(str::to_owned).collect();
    assert!(names.len() >= 10, "{names:?}");
    names
}

/// The long options of a command's help.
fn options(help: &str) -> Vec<&str> {
    let first = |line: &str| line.trim_start().starts_with('-');
    let words = help.lines().filter(|line| first(line)).flat_map(|line| line.split([' ', ',', '=', '[']));
    words.filter(|word| word.starts_with("--") && word.len() > 2).collect()
}

/// A manual page as it is read, without formatting.
fn plain(page: &str) -> String {
    page.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")
}

#[test]
fn every_command_and_every_long_option_is_in_the_manual_pages() {
    let bench = Bench::new();
    bench.run(["man", "pages/"]).succeeded();
    let read = |name: &str| plain(&std::fs::read_to_string(bench.path("pages").join(name)).expect("a page"));
    let main = read("framereel.1");
    let names = commands(&bench);
    for name in &names {
        assert!(main.contains(&format!("framereel-{name}")), "{name} in framereel.1");
        let page = read(&format!("framereel-{name}.1"));
        let help = bench.run([name, "--help"]).succeeded().stdout;
        for option in options(&help) {
            assert!(page.contains(option), "{option} in framereel-{name}.1");
        }
        assert!(page.contains(".SH EXAMPLES\n"), "examples in framereel-{name}.1");
        assert!(help.contains("Examples:\n"), "examples in `framereel {name} --help`");
    }
    assert!(options(&bench.run(["record", "--help"]).succeeded().stdout).len() > 30);
    let pages = std::fs::read_dir(bench.path("pages")).expect("the folder").count();
    assert_eq!(pages, names.len() + 1);
    // The main page is the one that is printed.
    assert_eq!(plain(&bench.run(["man"]).succeeded().stdout).trim_end(), main.trim_end());
    bench.run(["man", "pages/"]).failed(1, &["framereel.1", "pass --force to overwrite it"]);
    bench.run(["man", "pages/", "--force"]).succeeded();
}

#[test]
fn groff_has_nothing_to_say_about_the_manual_pages() {
    if !is_here("groff") {
        return;
    }
    let bench = Bench::new();
    bench.run(["man", "pages/"]).succeeded();
    for page in std::fs::read_dir(bench.path("pages")).expect("the folder") {
        let page = page.expect("an entry").path();
        let ran = run(Command::new("groff").args(["-man", "-Tutf8", "-P-cbou", "-ww", "-rLL=100n"]).arg(&page), &[])
            .succeeded();
        assert_eq!(ran.stderr, "", "{}", page.display());
        assert!(ran.stdout.contains("EXAMPLES") && ran.stdout.contains("framereel"), "{}", page.display());
    }
}

/// What bash completes these words to, the last of which is not finished.
fn completed(bench: &Bench, words: &[&str]) -> Vec<String> {
    let script = "source ./completion || exit 3; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
                  _framereel \"$1\" \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; \
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", script, "bash"]).args(words).current_dir(bench.folder());
    run(&mut command, &[]).succeeded().stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    if !tools::has("bash") {
        return;
    }
    let bench = Bench::new();
    bench.write("completion", bench.run(["completions", "bash"]).succeeded().stdout);
    run(Command::new("bash").args(["-n", "completion"]).current_dir(bench.folder()), &[]).succeeded();
    assert_eq!(completed(&bench, &["framereel", "rec"]), ["record"]);
    assert_eq!(completed(&bench, &["framereel", "record", "--time"]), ["--timeslice"]);
    assert_eq!(completed(&bench, &["framereel", "record", "--encoder", "ra"]), ["rav1e"]);
    assert_eq!(completed(&bench, &["framereel", "record", "--layout", ""]), ["over", "grid"]);
    assert_eq!(completed(&bench, &["framereel", "record", "--edge", "c"]), ["clamp"]);
    let mut found = completed(&bench, &["framereel", "record", "--visualize", ""]);
    found.sort();
    assert_eq!(found, ["bars", "spectrogram", "wave"]);
}

#[test]
fn every_shell_has_completions_with_all_commands() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = bench.run(["completions", shell]).succeeded().stdout;
        for name in commands(&bench) {
            assert!(script.contains(&name), "{name} for {shell}");
        }
        assert!(script.contains("timeslice"), "{shell}");
        if ["zsh", "fish"].contains(&shell) && is_here(shell) {
            bench.write("script", script);
            run(Command::new(shell).args(["-n", "script"]).current_dir(bench.folder()), &[]).succeeded();
        }
    }
    bench.run(["completions", "tcsh"]).failed(2, &["tcsh", "bash", "zsh", "fish"]);
}

#[test]
fn make_install_puts_everything_in_its_place_and_make_uninstall_takes_it_away() {
    if !tools::has("make") {
        return;
    }
    let bench = Bench::new();
    let root = bench.path("a package");
    let make = |target: &str| {
        let mut command = Command::new("make");
        command.current_dir(env!("CARGO_MANIFEST_DIR")).args([target, &format!("FRAMEREEL={PROGRAM}"), "PREFIX=/usr"]);
        command.arg(format!("DESTDIR={}", root.display()));
        run(&mut command, &[]).succeeded();
    };
    // A second time over the first.
    make("install");
    make("install");
    let mut found = Vec::new();
    files(&root, &root, &mut found);
    found.sort();
    let completions = [
        "usr/share/bash-completion/completions/framereel",
        "usr/share/fish/vendor_completions.d/framereel.fish",
        "usr/share/zsh/site-functions/_framereel",
    ];
    let pages = commands(&bench).into_iter().map(|name| format!("usr/share/man/man1/framereel-{name}.1"));
    let mut expected: Vec<_> = pages.chain(["usr/share/man/man1/framereel.1".into()]).collect();
    expected.extend(completions.map(str::to_owned).into_iter().chain(["usr/bin/framereel".into()]));
    expected.sort();
    assert_eq!(found, expected);
    for name in &expected {
        let mode = root.join(name).metadata().expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, if name == "usr/bin/framereel" { 0o755 } else { 0o644 }, "{name}");
    }
    let installed = run(Command::new(root.join("usr/bin/framereel")).arg("--version"), &[]).succeeded().stdout;
    assert_eq!(installed.trim(), format!("framereel {}", env!("CARGO_PKG_VERSION")));
    make("uninstall");
    found.clear();
    files(&root, &root, &mut found);
    assert!(found.is_empty(), "{found:?}");
}

/// The files below a folder, by their names from `root` on.
fn files(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(root, &path, found);
        } else {
            found.push(path.strip_prefix(root).expect("a file below").display().to_string());
        }
    }
}
