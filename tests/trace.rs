//! `framereel record --trace`: what the stages did, as viewers of Chrome's trace format read it.

#[path = "support/browser.rs"]
mod browser;
#[path = "support/program.rs"]
mod program;
#[path = "support/tools.rs"]
mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use program::Bench;
use serde_json::Value;

/// The events of a trace, each with the fields that its kind must have ("Trace Event Format").
fn events(text: &str) -> Vec<Value> {
    let Value::Array(events) = serde_json::from_str(text).expect("JSON") else { panic!("expected an array: {text}") };
    for event in &events {
        let numbers: &[&str] = match event["ph"].as_str() {
            Some("X") => &["pid", "tid", "ts", "dur"],
            Some("C") => &["pid", "ts"],
            Some("i" | "I") => &["pid", "tid", "ts"],
            Some("M") => &["pid", "tid"],
            kind => panic!("{kind:?} of {event}"),
        };
        assert!(event["name"].is_string(), "{event}");
        for field in numbers {
            assert!(event[field].as_f64().is_some_and(|number| number >= 0.0), "{field} of {event}");
        }
    }
    events
}

fn of_kind<'a>(events: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["ph"] == kind)
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn a_live_recording_that_is_too_slow_shows_its_stages_its_queues_and_its_dropped_frames() {
    let bench = Bench::new();
    // More than any machine encodes at this speed, so that frames are dropped.
    let args = "record pattern --realtime --size 1280x720 --fps 120 --duration 1s --encoder rav1e --speed 5 \
                --filter sepia(1) --trace trace.json --json -o film.webm";
    let report = bench.json(args.split_whitespace());
    let events = events(&fs::read_to_string(bench.path("trace.json")).unwrap());

    let name = |event: &Value| event["args"]["name"].as_str().expect("a name").to_owned();
    let threads: BTreeMap<u64, String> = of_kind(&events, "M")
        .filter(|event| event["name"] == "thread_name")
        .map(|event| (event["tid"].as_u64().unwrap(), name(event)))
        .collect();
    let named: BTreeSet<_> = threads.values().map(String::as_str).collect();
    for stage in ["source", "filter", "encode", "mux"] {
        assert!(named.contains(stage), "{stage} is not among {named:?}");
        assert!(number(&report["busy_s"][stage]) > 0.0, "{stage}: {}", report["busy_s"]);
    }

    // The spans of a thread lie beside or in one another.
    let mut by_thread: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    for span in of_kind(&events, "X") {
        let from = number(&span["ts"]);
        by_thread.entry(span["tid"].as_u64().unwrap()).or_default().push((from, from + number(&span["dur"])));
    }
    for (thread, mut spans) in by_thread {
        assert!(threads.contains_key(&thread), "thread {thread} has no name");
        spans.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let mut open: Vec<f64> = Vec::new();
        for (from, to) in spans {
            open.retain(|end| *end > from);
            assert!(open.last().is_none_or(|end| to <= end + 1e-3), "{}: {from} to {to} in {open:?}", threads[&thread]);
            open.push(to);
        }
    }
    let count = |span: &str| of_kind(&events, "X").filter(|event| event["name"] == span).count() as u64;
    let encoded = report["frames_encoded"].as_u64().unwrap();
    assert!(count("encode") >= encoded && count("read back") >= encoded, "{encoded} frames: {report}");

    let (mut queues, mut left) = (BTreeMap::<&str, i64>::new(), BTreeMap::<&str, i64>::new());
    for event in of_kind(&events, "C") {
        let length = event["args"]["waiting"].as_i64().unwrap();
        left.insert(event["name"].as_str().unwrap(), length);
        assert!((0..=64).contains(&length), "{event}");
        let longest = queues.entry(event["name"].as_str().unwrap()).or_default();
        *longest = length.max(*longest);
    }
    assert!(left.values().all(|length| *length == 0), "at the end: {left:?}");
    let longest = |queue: &str| queues.get(queue).copied();
    assert!(longest("packets") >= Some(1) && longest("paints") >= Some(1), "{queues:?}");
    assert!(longest("video") >= Some(1), "{queues:?}");

    let dropped = of_kind(&events, "i").filter(|event| event["name"] == "dropped");
    let busy = dropped.filter(|event| event["args"]["reason"] == "the recorder was busy").count() as u64;
    assert_eq!(Some(busy), report["dropped"]["busy"].as_u64(), "{report}");
    assert!(busy > 0, "{report}");
}

/// The threads that Chromium's performance panel finds in a trace, by number, with their names and those of their spans,
/// and the length of all in microseconds. Its parser shares no code with us. It has no rows for dropped frames and queues.
fn seen_by_devtools(trace: &str) -> Option<Value> {
    let script = format!(
        "const {{ TraceModel }} = await import('/bundled/models/trace/trace.js');
         const model = TraceModel.Model.createWithAllHandlers();
         await model.parse({trace}, {{ isCPUProfile: false, metadata: {{}} }});
         // Versions differ in where the result is.
         const parsed = model.parsedTrace(0);
         const {{ Meta, Renderer }} = parsed.data ?? parsed;
         const threads = [...Renderer.processes.values()].flatMap((process) => [...process.threads]);
         const row = ([id, {{ name, entries }}]) => [id, {{ name, spans: entries.map((entry) => entry.name) }}];
         return {{ length: Meta.traceBounds.range, threads: Object.fromEntries(threads.map(row)) }};"
    );
    browser::evaluate_in("devtools://devtools/bundled/devtools_app.html", &script)
}

#[test]
fn a_viewer_reads_the_trace_of_a_live_recording() {
    let bench = Bench::new();
    let args = "record pattern --realtime --size 640x360 --fps 30 --duration 1s --filter sepia(1) --trace trace.json \
                --json -o film.webm";
    let report = bench.json(args.split_whitespace());
    let trace = fs::read_to_string(bench.path("trace.json")).unwrap();
    let Some(seen) = seen_by_devtools(&trace) else { return };
    let events = events(&trace);
    let mut encoded = 0;
    let mut stages = BTreeSet::new();
    for thread in of_kind(&events, "M").filter(|event| event["name"] == "thread_name") {
        let row = &seen["threads"][thread["tid"].to_string()];
        assert_eq!(row["name"], thread["args"]["name"], "{seen}");
        let spans: Vec<_> = of_kind(&events, "X").filter(|span| span["tid"] == thread["tid"]).collect();
        let found = row["spans"].as_array().expect("spans");
        assert_eq!(found.len(), spans.len(), "{row}");
        encoded += found.iter().filter(|name| **name == "encode").count();
        stages.insert(row["name"].as_str().expect("a name"));
    }
    assert!(["source", "filter", "encode", "mux"].iter().all(|stage| stages.contains(stage)), "{stages:?}");
    assert!(encoded as u64 >= report["frames_encoded"].as_u64().unwrap(), "{encoded} of {report}");
    let length = number(&seen["length"]);
    assert!((0.9e6..60e6).contains(&length), "a second of recording takes {length} us");
}

#[test]
fn a_trace_has_a_file_of_its_own_which_is_not_overwritten() {
    let bench = Bench::new();
    fs::write(bench.path("old.json"), "kept").unwrap();
    let args = "record pattern --frames 2 -o film.webm --trace";
    let run = |trace| bench.run(args.split(' ').chain([trace]));
    run("old.json").failed(1, &["old.json", "pass --force to overwrite it"]);
    run("film.webm").failed(2, &["expected a --trace of its own but found film.webm twice"]);
    // An input is never overwritten, and without -o the output has the source's name.
    let tone = bench.write("tone.wav", "RIFF");
    let args = "record pattern --frames 2 --audio tone.wav --trace tone.wav --force -o film.webm";
    bench.run(args.split(' ')).failed(2, &["found tone.wav twice"]);
    assert_eq!(fs::read(tone).unwrap(), b"RIFF");
    bench.run("record pattern --frames 2 --trace pattern.webm".split(' ')).failed(2, &["found pattern.webm twice"]);
    bench.run("record missing.mp4 --trace new.json -o film.webm".split(' ')).failed(1, &["missing.mp4"]);
    assert!(!bench.path("new.json").exists(), "nothing was recorded");
    assert_eq!(fs::read_to_string(bench.path("old.json")).unwrap(), "kept");
    assert!(!bench.path("film.webm").exists());
}

#[test]
fn the_summary_of_a_slow_recording_names_the_busiest_stage() {
    let bench = Bench::new();
    let args = "record pattern --size 640x360 --frames 20 --encoder rav1e --speed 6 -o film.webm";
    let told = bench.run(args.split(' ')).succeeded().stdout;
    assert!(told.lines().any(|line| line.starts_with("busiest  encode, at work ")), "{told}");
}
