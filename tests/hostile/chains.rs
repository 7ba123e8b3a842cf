//! Untrusted chains, and the files that they name.

use std::fs;
use std::path::Path;
use std::process::Command;

use framereel::filter::{Custom, FileAccess, FilterChain, Lut};
use framereel::{Error, ErrorKind};

use crate::limited::{Parser, outcome, refusal};

#[test]
fn a_chain_from_a_stranger_opens_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "password\n").unwrap();
    for name in ["lut", "shader"] {
        for path in [secret.as_path(), Path::new("/etc/passwd"), Path::new("/nowhere")] {
            let error = format!("{name}({path:?})").parse::<FilterChain>().unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::NotAllowed, "{error}");
            let text = error.to_string();
            assert!(text.contains("FilterChain::parse_with") && !text.contains("password"), "{text}");
        }
    }
}

#[test]
fn a_chain_within_a_folder_reads_its_files_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("presets");
    fs::create_dir(&inside).unwrap();
    let table = "LUT_1D_SIZE 2\n0 0 0\n1 1 1\n";
    fs::write(inside.join("a.cube"), table).unwrap();
    fs::write(folder.path().join("b.cube"), table).unwrap();
    std::os::unix::fs::symlink(folder.path().join("b.cube"), inside.join("link.cube")).unwrap();
    let files = FileAccess::Folder(inside.clone());
    let parse = |name: &str| FilterChain::parse_with(&format!("lut(\"{name}\")"), &files);
    assert_eq!(parse("a.cube").unwrap().filters().len(), 1);
    assert_eq!(parse(inside.join("a.cube").to_str().unwrap()).unwrap().filters().len(), 1);
    for name in ["../b.cube", "link.cube", folder.path().join("b.cube").to_str().unwrap()] {
        let error = parse(name).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotAllowed, "{error}");
    }
    assert_eq!(*parse("c.cube").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_chain_of_many_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.wgsl"), "fn effect_color(c: vec4f) -> vec4f { return c; }").unwrap();
    let files = FileAccess::Folder(folder.path().to_owned());
    let chain = |count: usize| FilterChain::parse_with(&"shader('a.wgsl') ".repeat(count), &files);
    assert_eq!(chain(8).unwrap().filters().len(), 8);
    assert!(chain(9).unwrap_err().to_string().contains("expected at most 8 filters with files"));
}

#[test]
fn a_parameter_cannot_exchange_the_shaders_file() {
    let mut chain =
        FilterChain::shader(Custom::parse("a.wgsl", "fn image(p: vec2f) -> vec4f { return vec4f(); }").unwrap());
    let error = chain.set_param("file=\"/etc/passwd\"").unwrap_err();
    assert!(error.to_string().contains("found `file`"), "{error}");
}

#[test]
fn tables_and_shaders_are_regular_files_of_a_bounded_size() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe.as_path(), Path::new("/dev/zero"), Path::new("/dev/null")] {
        let read: [Error; 2] = [Lut::load(path).unwrap_err(), Custom::load(path).unwrap_err()];
        for error in read {
            assert!(error.to_string().contains("expected a regular file but found a pipe or a device"), "{error}");
        }
        let chain = FilterChain::parse_with(&format!("shader({path:?})"), &FileAccess::Any);
        assert!(chain.unwrap_err().to_string().contains("a pipe or a device"));
    }
    let hole = folder.path().join("hole");
    fs::File::create(&hole).unwrap().set_len(1 << 40).unwrap();
    assert!(Lut::load(&hole).unwrap_err().to_string().contains("at most 32768 KiB"));
    assert!(Custom::load(&hole).unwrap_err().to_string().contains("at most 128 KiB"));
}

#[test]
fn long_chains_and_absurd_numbers_are_refused_or_harmless() {
    for text in [
        "blur(".repeat(10_000),
        "(".repeat(60_000),
        "a".repeat(60_000),
        "sepia(1) ".repeat(7000),
        "x".repeat(100 << 20),
        format!("tint({}", "rgb(from ".repeat(6000)),
        format!("tint(rgb({}", "calc(".repeat(6000)),
        format!("tint({}red{})", "(".repeat(20_000), ")".repeat(20_000)),
        format!("sepia({})", "1".repeat(60_000)) + &"é".repeat(10),
        "blur(1px)\nblur.radius: ".to_owned() + &"0s 1,".repeat(12_000),
        "blur(1px)\n".to_owned() + &"a".repeat(1 << 20),
    ] {
        let error = refusal(Parser::Chain, text.as_bytes());
        assert!(error.len() < 4000, "{}", error.len());
    }
    for text in [
        "blur(3e38px) drop-shadow(3e38px -3e38px 3e38px red) zoom(3e38) pixelate(3e38px) rotate(3e38deg)",
        "blur(1e-45px) sepia(0.0000001) lens(-3e38) posterize(3e38) crop(3e38px)",
        "blur(1px)\nblur.radius: 0s 3e38, 1000h 0",
        "tint(hsl(3e38deg 3e38% 3e38%)) duotone(rgb(3e38 -3e38 0), color(srgb 1e30 -1e30 0))",
    ] {
        println!("{:?}", outcome(Parser::Chain, text.as_bytes()));
    }
    assert_eq!(outcome(Parser::Chain, "sepia(1) ".repeat(64).as_bytes()).said.unwrap().matches("sepia").count(), 64);
}
