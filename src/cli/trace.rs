//! What the stages of a recording do and when: for the summary, how long each was busy, and for `--trace` a file in
//! Chrome's trace format, which Perfetto and chrome://tracing show.
//!
//! The format is a JSON array of events ("Trace Event Format", the JSON Array Format): `X` for a span with its start
//! and length in microseconds, `C` for the length of a queue, `i` for a dropped frame, `M` for the name of a thread.
//! Viewers accept an array that is not closed, so that the trace of a killed recording can be read too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use framereel::recorder::FileSink;
use framereel::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The stages by their threads' names, in the order of a frame's way.
const STAGES: [&str; 5] = ["source", "filter", "encode", "sound", "mux"];

/// A stage, and how long it has worked.
pub type StageTime = (&'static str, Duration);

/// The one trace of the process.
static TRACE: OnceLock<Trace> = OnceLock::new();

/// Collects the spans and events of the library.
#[derive(Debug)]
pub struct Trace {
    began: Instant,
    /// The names of the spans; the number of a span is the place of its name plus 1.
    names: Mutex<Vec<&'static str>>,
    threads: AtomicU64,
    state: Mutex<TraceState>,
}

#[derive(Debug, Default)]
struct TraceState {
    file: Option<TraceFile>,
    /// How long each thread of a stage has worked, by its number: several outputs have a thread of a stage each.
    busy: BTreeMap<u64, StageTime>,
    /// The lengths of the queues.
    queues: BTreeMap<String, i64>,
}

#[derive(Debug)]
struct TraceFile {
    out: BufWriter<FileSink>,
    is_empty: bool,
    /// The first error of writing, reported at the end.
    failure: Option<io::Error>,
}

thread_local! {
    static THREAD: RefCell<Option<TracedThread>> = const { RefCell::new(None) };
}

/// What is known of the running thread.
struct TracedThread {
    number: u64,
    /// None for a thread that is no stage.
    stage: Option<&'static str>,
    /// When each open span began, the outermost first.
    open: Vec<Instant>,
}

impl Trace {
    /// Begins to collect, once in a process; into `file` too, if there is one.
    pub fn begin(file: Option<FileSink>) -> &'static Self {
        let file = file.map(|sink| TraceFile { out: BufWriter::new(sink), is_empty: true, failure: None });
        let trace = TRACE.get_or_init(|| Self {
            began: Instant::now(),
            names: Mutex::default(),
            threads: AtomicU64::new(1),
            state: Mutex::new(TraceState { file, ..TraceState::default() }),
        });
        // It fails only where one is set already: this one.
        let _ = tracing::subscriber::set_global_default(trace);
        trace
    }

    /// How long each stage has worked, in the order of a frame's way; of a stage's threads, the one that has worked
    /// longest.
    pub fn busy(&self) -> Vec<StageTime> {
        let state = self.state.lock();
        let longest = |stage| state.busy.values().filter(|(own, _)| *own == stage).max_by_key(|(_, time)| *time);
        STAGES.into_iter().filter_map(longest).copied().collect()
    }

    /// Closes the file; discards it where nothing was recorded.
    ///
    /// # Errors
    /// `WriteError` when it could not be written completely; what was written of it stays.
    pub fn finish(&self, path: &Path, is_empty: bool) -> Result<()> {
        let Some(mut file) = self.state.lock().file.take() else { return Ok(()) };
        if is_empty {
            let (sink, _) = file.out.into_parts();
            sink.discard();
            return Ok(());
        }
        file.write(if file.is_empty { "[\n]\n" } else { "\n]\n" });
        if let Err(error) = file.out.flush() {
            file.failure.get_or_insert(error);
        }
        match file.failure {
            None => Ok(()),
            Some(cause) => {
                let expected = "the trace could not be written";
                Err(Error::new(ErrorKind::Write, expected).at(path.display()).with_cause(cause))
            }
        }
    }

    fn micros(&self, at: Instant) -> f64 {
        at.duration_since(self.began).as_nanos() as f64 / 1000.0
    }

    /// Calls `work` with the running thread.
    fn with_thread<T>(&self, work: impl FnOnce(&mut TracedThread) -> T) -> T {
        THREAD.with_borrow_mut(|thread| work(thread.get_or_insert_with(|| self.thread())))
    }

    /// The running thread, seen for the first time.
    fn thread(&self) -> TracedThread {
        let number = self.threads.fetch_add(1, Ordering::Relaxed);
        let current = std::thread::current();
        let name = current.name().unwrap_or("unnamed");
        let mut state = self.state.lock();
        let event = |kind: &str, args: Value| json!({"ph": "M", "pid": 1, "tid": number, "name": kind, "args": args});
        if number == 1 {
            state.write(event("process_name", json!({ "name": "framereel" })));
        }
        state.write(event("thread_name", json!({ "name": name })));
        let stage = STAGES.iter().position(|stage| *stage == name);
        // Viewers show the stages in the order of a frame's way, other threads below.
        state.write(event("thread_sort_index", json!({ "sort_index": stage.unwrap_or(STAGES.len()) })));
        TracedThread { number, stage: stage.map(|stage| STAGES[stage]), open: Vec::new() }
    }
}

impl TraceState {
    fn write(&mut self, event: Value) {
        if let Some(file) = &mut self.file {
            let separator = if std::mem::take(&mut file.is_empty) { "[\n" } else { ",\n" };
            file.write(&format!("{separator}{event}"));
        }
    }
}

impl TraceFile {
    fn write(&mut self, text: &str) {
        if self.failure.is_none() {
            self.failure = self.out.write_all(text.as_bytes()).err();
        }
    }
}

impl Subscriber for &'static Trace {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("framereel")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let name = span.metadata().name();
        let mut names = self.names.lock();
        let place = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        Id::from_u64(place as u64 + 1)
    }

    fn enter(&self, _span: &Id) {
        self.with_thread(|thread| thread.open.push(Instant::now()));
    }

    fn exit(&self, span: &Id) {
        let ended = Instant::now();
        self.with_thread(|thread| {
            let Some(began) = thread.open.pop() else { return };
            let name = self.names.lock().get(span.into_u64() as usize - 1).copied().unwrap_or_default();
            let mut state = self.state.lock();
            if let Some(stage) = thread.stage.filter(|_| thread.open.is_empty()) {
                state.busy.entry(thread.number).or_insert((stage, Duration::ZERO)).1 += ended - began;
            }
            if state.file.is_some() {
                let (from, length) = (self.micros(began), self.micros(ended) - self.micros(began));
                let number = thread.number;
                state.write(json!({"ph": "X", "pid": 1, "tid": number, "name": name, "ts": from, "dur": length}));
            }
        });
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = EventFields::default();
        event.record(&mut fields);
        if let (Some(queue), Some(change)) = (fields.queue, fields.change) {
            let mut state = self.state.lock();
            if state.file.is_some() {
                let length = state.queues.entry(queue.clone()).or_default();
                *length += change;
                // With the lock held, so that times rise as the lengths follow each other.
                let at = self.micros(Instant::now());
                let args = json!({ "waiting": *length });
                state.write(json!({"ph": "C", "pid": 1, "name": queue, "ts": at, "args": args}));
            }
        }
        if let Some(speed) = fields.speed {
            let mut state = self.state.lock();
            let at = self.micros(Instant::now());
            state.write(json!({"ph": "C", "pid": 1, "name": "encoder's speed", "ts": at, "args": {"speed": speed}}));
        }
        if let Some(reason) = fields.dropped {
            let number = self.with_thread(|thread| thread.number);
            let (at, args) = (self.micros(Instant::now()), json!({ "reason": reason }));
            let event =
                json!({"ph": "i", "s": "p", "pid": 1, "tid": number, "name": "dropped", "ts": at, "args": args});
            self.state.lock().write(event);
        }
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
}

/// The fields of the library's events.
#[derive(Default)]
struct EventFields {
    queue: Option<String>,
    change: Option<i64>,
    dropped: Option<String>,
    speed: Option<i64>,
}

impl Visit for EventFields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        match field.name() {
            "change" => self.change = Some(value),
            "speed" => self.speed = Some(value),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "queue" {
            self.queue = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "dropped" {
            self.dropped = Some(format!("{value:?}"));
        }
    }
}
