//! The crate as other programs get it: the content of its package, a program outside of this folder that uses it, its
//! lowest Rust, and its public interface.

#[path = "support/program.rs"]
mod program;
#[path = "support/recorded.rs"]
mod recorded;
#[path = "support/tools.rs"]
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use program::run;
use recorded::rgb_frames;
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// cargo, as it runs this test, without what it sets for it.
fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(folder).env_remove("CARGO_MANIFEST_DIR").env_remove("RUSTFLAGS").env_remove("RUSTDOCFLAGS");
    command
}

/// The folder that this test is built in, for builds that share its dependencies.
fn target() -> PathBuf {
    let tests = env::current_exe().expect("this program");
    tests.ancestors().nth(3).expect("the build's folder").to_owned()
}

/// What `cargo package` would publish, in a folder of its own.
fn unpacked(folder: &Path) -> PathBuf {
    let mut command = cargo(Path::new(ROOT));
    command.args(["package", "--allow-dirty", "--no-verify", "--offline", "--quiet", "--target-dir"]).arg(folder);
    run(&mut command, &[]).succeeded();
    let name = format!("framereel-{}", env!("CARGO_PKG_VERSION"));
    let mut command = Command::new("tar");
    command.arg("xf").arg(folder.join("package").join(format!("{name}.crate"))).arg("-C").arg(folder);
    run(&mut command, &[]).succeeded();
    folder.join(name)
}

#[test]
fn a_program_outside_of_this_folder_records_its_own_texture_with_the_packaged_library_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let package = unpacked(folder.path());
    assert!(!package.join("tests").exists() && package.join("src/lib.rs").exists(), "what is packaged");
    let program = folder.path().join("program");
    fs::create_dir_all(program.join("src")).expect("a folder");
    let write = |name: &str, text: String| fs::write(program.join(name), text).expect("a file");
    let ours = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).expect("our own manifest");
    // With the same profile, so that the dependencies that are built already are not built again.
    let profile = &ours[ours.find("[profile.testing]").expect("the profile")..];
    let path = package.display();
    write(
        "Cargo.toml",
        format!(
            "[package]\nname = \"program\"\nedition = \"2024\"\n\n[dependencies]\npollster = \"0.4\"\n\
             framereel = {{ path = \"{path}\", default-features = false }}\n\n[workspace]\n\n{profile}"
        ),
    );
    write("src/main.rs", fs::read_to_string(Path::new(ROOT).join("tests/package/downstream.rs")).expect("the program"));
    // The versions that we were tested with.
    fs::copy(Path::new(ROOT).join("Cargo.lock"), program.join("Cargo.lock")).expect("a copy");
    let output = folder.path().join("own.webm");
    let mut command = cargo(&program);
    command.args(["run", "--quiet", "--offline", "--profile", "testing", "--target-dir"]).arg(target());
    // Its dependencies may have to be built: minutes.
    let ran = command.arg("--").arg(&output).output().expect("cargo");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let size = 64;
    let middle = |frame: Vec<u8>| [0, 1, 2].map(|channel| f64::from(frame[(size / 2 * size + size / 2) * 3 + channel]));
    let colors: Vec<_> = rgb_frames(&output, (size, size)).into_iter().map(middle).collect();
    assert_eq!(colors.len(), 30);
    // From inverted magenta to inverted white.
    assert!(colors[0][1] > 230.0 && colors[29][1] < 25.0, "{colors:?}");
    assert!(colors.iter().all(|[red, _, blue]| *red < 40.0 && *blue < 40.0), "{colors:?}");

    let mut command = cargo(&program);
    command.args(["tree", "--offline", "--prefix", "none", "--edges", "normal"]);
    let tree = run(&mut command, &[]).succeeded().stdout;
    for program_only in ["clap", "ctrlc", "indicatif", "notify", "libaom-sys", "cpal", "v4l", "turbojpeg"] {
        assert!(!tree.lines().any(|line| line.starts_with(&format!("{program_only} "))), "{program_only} in\n{tree}");
    }
}

#[test]
fn the_lowest_rust_version_is_the_one_that_the_dependencies_need() {
    // The dependencies of other systems need not be here.
    let rustc = run(Command::new("rustc").arg("-vV").current_dir(ROOT), &[]).succeeded().stdout;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).expect("the host");
    let mut command = cargo(Path::new(ROOT));
    command.args(["metadata", "--offline", "--format-version", "1", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&run(&mut command, &[]).succeeded().stdout).expect("JSON");
    let version = |text: &str| text.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>();
    let mut needed = (vec![0], String::new());
    for package in metadata["packages"].as_array().expect("packages") {
        let (name, rust) = (package["name"].as_str().unwrap_or_default(), package["rust_version"].as_str());
        if let Some(rust) = rust.filter(|_| name != "framereel") {
            needed = needed.max((version(rust)[..2.min(version(rust).len())].to_vec(), name.to_owned()));
        }
    }
    let (needed, name) = needed;
    let ours = version(env!("CARGO_PKG_RUST_VERSION"));
    assert_eq!(ours[..2], needed[..], "the lowest Rust version, which {name} needs");
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("README.md");
    let words = format!("Rust {}.{} or later", ours[0], ours[1]);
    assert!(readme.contains(&words), "README.md says `{words}`");
}
