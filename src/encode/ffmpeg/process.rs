//! One run of the `ffmpeg` program that encodes: one thread writes to its standard input, one reads the packets from its
//! standard output, and one keeps its messages.

use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::ivf::IvfReader;
use super::live_input::LiveInput;
use crate::codec::VideoCodec;
use crate::error::{Error, Result};
use crate::mux::ebml::Fault;
use crate::mux::matroska::{Item, Matroska, Track, id};
use crate::source::ffmpeg::{INSTALL, without_controls};

/// How long a run may do nothing.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long a run may take to exit after its output ended.
const EXIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of ffmpeg's messages is kept, from their end, in bytes.
const MAX_MESSAGES: usize = 4096;
/// How many of its last lines an error quotes, and how many characters of them.
const LAST_LINES: usize = 3;
const MAX_QUOTE: usize = 400;

/// The container of what the program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutputFormat {
    /// Matroska, a cluster for each packet.
    Matroska,
    /// IVF, of this codec.
    Ivf(VideoCodec),
}

impl OutputFormat {
    /// ffmpeg's options: each packet is to be sent at once.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Matroska => {
                const CLUSTERS: &[&str] = &[
                    "-f",
                    "matroska",
                    "-cluster_size_limit",
                    "0",
                    "-cluster_time_limit",
                    "0",
                    "-flush_packets",
                    "1",
                    "pipe:1",
                ];
                CLUSTERS
            }
            Self::Ivf(_) => &["-f", "ivf", "-flush_packets", "1", "pipe:1"],
        }
    }
}

/// What is written to the program's standard input, by a thread of its own.
pub(super) type PipeInput = Box<dyn FnOnce(&mut ChildStdin) -> std::io::Result<()> + Send>;

/// What a run reports.
#[derive(Debug)]
pub(super) enum RunEvent {
    /// A job was written.
    Taken,
    /// The header of its output.
    Track(Box<Track>),
    /// A packet, and whether it is a key frame.
    Packet { data: Vec<u8>, key: bool },
    /// The end of its output; an error where the output could not be read to its end.
    End(Result<()>),
}

/// A run, which is killed when it is dropped.
pub(super) struct EncodingRun {
    child: Child,
    jobs: Option<Sender<PipeInput>>,
    events: Receiver<RunEvent>,
    /// How many jobs are not written yet.
    waiting: usize,
    messages: Option<JoinHandle<String>>,
    /// The time after which the run has taken too long.
    deadline: Option<Instant>,
}

impl EncodingRun {
    /// Starts the program, with the options of this format after its own. `task` says in errors what it does: `encode with libx264`.
    ///
    /// # Errors
    /// `NotFoundError` where there is no such program.
    pub fn start(mut command: Command, format: OutputFormat, task: &str, deadline: Option<Instant>) -> Result<Self> {
        command.args(format.arguments());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                return Error::not_found(format!("expected the ffmpeg program to {task} but found none; {INSTALL}"));
            }
            Error::unknown(format!("expected the ffmpeg program to {task} but it did not start")).with_cause(error)
        })?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (sender, events) = channel();
        let (jobs, queue) = channel();
        let mut run = Self { child, jobs: Some(jobs), events, waiting: 0, messages: None, deadline };
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(Error::unknown("ffmpeg started without its pipes"));
        };
        let taken = sender.clone();
        thread("ffmpeg stdin", move || write_jobs(stdin, &queue, &taken))?;
        thread("ffmpeg stdout", move || {
            let end = match format {
                OutputFormat::Matroska => read_matroska(stdout, &sender),
                OutputFormat::Ivf(codec) => read_ivf(stdout, codec, &sender),
            };
            // The run may be gone.
            let _ = sender.send(RunEvent::End(end));
        })?;
        run.messages = Some(thread("ffmpeg stderr", move || read_messages(stderr))?);
        Ok(run)
    }

    /// Gives the program more input. Nothing is reported when it has ended: its end is an event.
    pub fn give(&mut self, job: PipeInput) {
        if let Some(jobs) = &self.jobs {
            self.waiting += 1;
            let _ = jobs.send(job);
        }
    }

    /// How many inputs are not written yet.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Ends the program's input, so that it ends its output.
    pub fn close(&mut self) {
        self.jobs = None;
    }

    /// Whether its input was ended.
    pub fn is_closed(&self) -> bool {
        self.jobs.is_none()
    }

    /// The next event if there is one, or, with `wait`, when it has come.
    ///
    /// # Errors
    /// `UnknownError` when it takes too long.
    pub fn next_event(&mut self, wait: bool) -> Result<Option<RunEvent>> {
        let event = if wait {
            let left = self.deadline.map_or(TIMEOUT, |deadline| deadline.saturating_duration_since(Instant::now()));
            match self.events.recv_timeout(left.min(TIMEOUT)) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Disconnected) => Some(RunEvent::End(Ok(()))),
                Err(RecvTimeoutError::Timeout) => return Err(Error::unknown("it has done nothing for too long")),
            }
        } else {
            match self.events.try_recv() {
                Ok(event) => Some(event),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(RunEvent::End(Ok(()))),
            }
        };
        if matches!(event, Some(RunEvent::Taken)) {
            self.waiting -= 1;
        }
        Ok(event)
    }

    /// Waits for the program's exit, after the end of its output: how it ended, with its last words.
    pub fn ended(&mut self) -> (Option<ExitStatus>, String) {
        self.close();
        let since = Instant::now();
        let status = loop {
            match self.child.try_wait() {
                Ok(None) if since.elapsed() < EXIT_TIMEOUT => std::thread::sleep(Duration::from_millis(2)),
                Ok(None) | Err(_) => break None,
                Ok(Some(status)) => break Some(status),
            }
        };
        if status.is_none() {
            // It is collected when the run is dropped.
            let _ = self.child.kill();
        }
        let messages = self.messages.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        (status, last_words(&messages))
    }

    #[cfg(test)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for EncodingRun {
    fn drop(&mut self) {
        self.close();
        // If the program has ended by itself, there is nothing to kill and only its status to collect.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn thread<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>> {
    Builder::new().name(name.into()).spawn(work).map_err(Error::no_thread)
}

fn write_jobs(mut stdin: ChildStdin, jobs: &Receiver<PipeInput>, taken: &Sender<RunEvent>) {
    for job in jobs {
        // A program that ended takes nothing more; its end is noticed where its output is read.
        if job(&mut stdin).and_then(|()| stdin.flush()).is_err() || taken.send(RunEvent::Taken).is_err() {
            return;
        }
    }
}

/// Reads the packets of the only track, to the end of the output or to where it breaks off.
fn read_matroska(stdout: ChildStdout, events: &Sender<RunEvent>) -> Result<()> {
    let (input, released) = LiveInput::new(stdout);
    let mut file = Matroska::open(input)?;
    loop {
        match next_event(&mut file) {
            Ok(Next::Event(event)) => {
                // The run may be gone.
                if events.send(event).is_err() {
                    return Ok(());
                }
            }
            Ok(Next::Other) => {}
            Ok(Next::End) => return Ok(()),
            Err(Fault::Unreadable(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(fault) => return Err(fault.into()),
        }
        released.up_to(file.position());
    }
}

/// The same of IVF.
fn read_ivf(stdout: ChildStdout, codec: VideoCodec, events: &Sender<RunEvent>) -> Result<()> {
    let Some(mut file) = IvfReader::open(BufReader::new(stdout))? else { return Ok(()) };
    if file.codec() != codec {
        return Err(Error::not_supported(format!("expected an encoder of {codec} but found one of {}", file.codec())));
    }
    while let Some((data, key)) = file.next()? {
        // The run may be gone.
        if events.send(RunEvent::Packet { data, key }).is_err() {
            break;
        }
    }
    Ok(())
}

enum Next {
    Event(RunEvent),
    Other,
    End,
}

fn next_event(file: &mut Matroska<LiveInput<ChildStdout>>) -> Result<Next, Fault> {
    Ok(match file.next()? {
        Some(Item::Header(header)) if header.id == id::TRACKS => {
            let tracks = file.header_data(header)?;
            let track = Track::all(&tracks).into_iter().next();
            track.map_or(Next::Other, |track| Next::Event(RunEvent::Track(Box::new(track))))
        }
        Some(Item::Block(block)) => {
            let data = file.bytes(block.data.clone())?;
            Next::Event(RunEvent::Packet { data, key: block.key })
        }
        Some(_) => Next::Other,
        None => Next::End,
    })
}

/// Reads to the end and keeps the last part.
fn read_messages(stderr: ChildStderr) -> String {
    let mut stderr = BufReader::new(stderr);
    let (mut kept, mut chunk) = (Vec::new(), [0; 1024]);
    while let Ok(read @ 1..) = stderr.read(&mut chunk) {
        kept.extend_from_slice(&chunk[..read]);
        kept.drain(..kept.len().saturating_sub(MAX_MESSAGES));
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The last lines that say something, in one line: the last one alone is often general.
fn last_words(messages: &str) -> String {
    let lines: Vec<_> = messages.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let words = lines[lines.len().saturating_sub(LAST_LINES)..].join("; ");
    let surplus = words.chars().count().saturating_sub(MAX_QUOTE);
    without_controls(&words.chars().skip(surplus).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_quoted_without_what_a_terminal_would_obey() {
        let messages = "first\n\n[x @ 0x5] Unknown\x1b[31m thing\r\nsecond\nthird\n\n";
        assert_eq!(last_words(messages), "[x @ 0x5] Unknown[31m thing; second; third");
        assert_eq!(last_words(""), "");
        assert_eq!(last_words(&"x".repeat(9_999)).len(), MAX_QUOTE);
    }
}
