//! A recorder that is killed at any moment leaves a file that plays and lacks at most the last second; repaired, it is as
//! good as one that was ended. Every run is a recording in real time in a process of its own, which gets a SIGKILL.
//!
//! `FRAMEREEL_KILLS` is how many runs there are (one of each kind), `FRAMEREEL_SEED` what their moments are drawn from.
//! ffprobe, ffmpeg and Chromium are the judges; `make test` installs them; see support/tools.rs.

mod support {
    pub mod browser;
    pub mod killing;
    pub mod program;
    pub mod tools;
}

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, thread};

use framereel::encode;
use framereel::mux::Container;
use support::killing::{Case, Killed, Verdict, judged_by_chromium, record_until_killed};
use support::tools;

/// What may be missing at most, in seconds, and how far off the Duration may be before repair.
const LAST: f64 = 1.0;
/// How far a repaired file's Duration may be off, in seconds: times are kept to a millisecond.
const EXACT: f64 = 0.002;
/// How many recorders run at once; they mostly wait.
const AT_ONCE: usize = 4;

#[test]
fn a_recorder_that_is_killed_leaves_all_but_the_last_second() {
    if let Some(case) = Case::from_environment() {
        record_until_killed(&case);
    }
    if !(tools::has("ffprobe") && tools::has("ffmpeg")) {
        return;
    }
    let number = |name: &str, default: u64| {
        env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
    };
    let formats = formats();
    let (runs, seed) = (number("FRAMEREEL_KILLS", (formats.len() * Case::KINDS) as u64), number("FRAMEREEL_SEED", 1));
    println!("{runs} runs, seed {seed}");
    let folder = tempfile::tempdir().unwrap();
    let cases: Vec<Case> = (0..runs).map(|run| Case::of_run(run, seed, &formats, folder.path())).collect();

    let test = "a_recorder_that_is_killed_leaves_all_but_the_last_second";
    let killed = each(&cases, AT_ONCE, |case| Killed::after(case, test));
    let mut verdicts = each(&killed, 2, Verdict::of);
    judged_by_chromium(&mut verdicts);

    let mut table: BTreeMap<String, Row> = BTreeMap::new();
    for verdict in &verdicts {
        println!("{verdict}");
        for name in [verdict.killed.case.name(), "total".to_owned()] {
            table.entry(name).or_default().add(verdict);
        }
    }
    println!(
        "{:<24} {:>5} {:>8} {:>9} {:>4} {:>9} {:>11} {:>12} {:>9} {:>12} {:>9}",
        "",
        "runs",
        "too soon",
        "ffprobe",
        "cut",
        "Chromium",
        "loss, most",
        "Duration off",
        "repaired",
        "Duration off",
        "Chromium"
    );
    table.iter().for_each(|(name, row)| println!("{name:<24} {row}"));

    let faults: Vec<String> = verdicts.iter().flat_map(|verdict| verdict.faults(LAST, EXACT)).collect();
    assert!(faults.is_empty(), "seed {seed}\n{}", faults.join("\n"));
}

/// What each encoder makes, such as `mp4 aom av1` and `webm vpx vp9 alpha`.
fn formats() -> Vec<String> {
    let built_in = encode::list().into_iter().filter(|encoder| encoder.version.is_ok());
    let codecs =
        built_in.flat_map(|encoder| encoder.codecs.into_iter().map(move |codec| (encoder.name.clone(), codec)));
    codecs
        .flat_map(|(name, codec)| {
            let has = |container: Container| container.video_codecs().contains(&codec);
            let made = [
                has(Container::Webm).then(|| format!("webm {name} {codec}")),
                has(Container::Mp4).then(|| format!("mp4 {name} {codec}")),
                (has(Container::Webm) && codec.has_alpha()).then(|| format!("webm {name} {codec} alpha")),
            ];
            made.into_iter().flatten()
        })
        .collect()
}

/// Does this for each, so many at once; the results in their order.
fn each<'a, T: Sync, R: Send>(all: &'a [T], at_once: usize, work: impl Fn(&'a T) -> R + Sync) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some((index, one)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, all.get(at)?)))
                {
                    let result = work(one);
                    done.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// A line of the table.
#[derive(Default)]
struct Row {
    runs: usize,
    too_soon: usize,
    probed: usize,
    cut: usize,
    opened: usize,
    loss: f64,
    duration_off: f64,
    repaired: usize,
    repaired_off: f64,
    sought: usize,
}

impl Row {
    fn add(&mut self, verdict: &Verdict) {
        self.runs += 1;
        self.loss = self.loss.max(verdict.loss);
        let Some(file) = &verdict.file else {
            self.too_soon += 1;
            return;
        };
        self.probed += 1;
        self.cut += usize::from(file.cut);
        self.opened += usize::from(file.chromium.as_ref().is_some_and(Result::is_ok));
        self.duration_off = self.duration_off.max(file.duration_off);
        self.repaired += usize::from(file.repaired.is_ok());
        self.repaired_off = self.repaired_off.max(file.repaired.as_ref().map_or(0.0, |repaired| repaired.duration_off));
        self.sought += usize::from(file.chromium_repaired.as_ref().is_some_and(Result::is_ok));
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { runs, too_soon, probed, cut, opened, loss, duration_off, repaired, repaired_off, sought } = self;
        write!(
            f,
            "{runs:>5} {too_soon:>8} {probed:>9} {cut:>4} {opened:>9} {loss:>9.3} s {duration_off:>10.3} s {repaired:>9} \
             {repaired_off:>10.3} s {sought:>9}"
        )
    }
}
