//! `framereel bench`: its figures are those of what was asked for, and they fit each other. No speed is asked for: that
//! depends on the machine.

mod support {
    pub mod program;
    pub mod tools;
}

use serde_json::Value;
use support::program::Bench;

const SHORT: [&str; 4] = ["--time", "300ms", "--size", "160x96"];

fn figures(bench: &Bench, more: &[&str]) -> Value {
    let figures = bench.json([&["bench", "--json"], &SHORT[..], more].concat());
    let speed = |name: &str| figures[name].as_f64().unwrap_or_else(|| panic!("no {name} in {figures}"));
    for name in ["filters", "encoding", "recording"] {
        assert!(speed(name) > 0.0, "{figures}");
    }
    let slower = if speed("filters") < speed("encoding") { "filters" } else { "encoder" };
    assert_eq!(figures["limit"], slower);
    figures
}

#[test]
fn each_stage_is_measured_with_what_was_asked_for() {
    let bench = Bench::new();
    let usual = figures(&bench, &[]);
    assert_eq!((&usual["width"], &usual["height"]), (&160.into(), &96.into()));
    assert_eq!((&usual["filter"], &usual["codec"]), (&"none".into(), &"av1".into()));
    let chosen = figures(&bench, &["--filter", "sepia(1) blur(2px)", "--encoder", "rav1e", "--speed", "10"]);
    assert_eq!((&chosen["filter"], &chosen["encoder"]), (&"sepia(1) blur(2px)".into(), &"rav1e".into()));
    // Filters that are a hundred passes cost more than none.
    let blurs = ["blur(3px)"; 20].join(" ");
    let slow = figures(&bench, &["--filter", &blurs]);
    assert!(slow["filters"].as_f64() < usual["filters"].as_f64(), "{slow} {usual}");
}

#[test]
fn a_person_reads_a_line_for_each_stage_and_what_the_machine_sustains() {
    let said = Bench::new().run([&["bench"], &SHORT[..]].concat()).succeeded().stdout;
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("160x96, none, to av1 by "), "{said}");
    for (line, stage) in lines[1..].iter().zip(["filters", "encoding", "recording"]) {
        assert!(line.starts_with(stage) && line.ends_with(" frames a second"), "{said}");
    }
    assert!(lines[4].starts_with("sustains 160x96 at ") && lines[4].contains("what limits it"), "{said}");
    assert_eq!(lines.len(), 5);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let bench = Bench::new();
    bench.run(["bench", "missing.mp4"]).failed(1, &["missing.mp4"]);
    bench.run(["bench", "--codec", "vp7"]).failed(2, &["but found `vp7`"]);
    bench.run(["bench", "--filter", "nothing(1)"]).failed(2, &["nothing"]);
    bench
        .run(["bench", "--encoder", "rav1e", "--codec", "vp8"])
        .failed(1, &["expected av1 for the encoder rav1e but found vp8"]);
    bench.run(["bench", "--time", "0s"]).failed(2, &["expected a time above 0"]);
}
