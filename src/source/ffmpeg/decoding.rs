//! One run of the `ffmpeg` program: it writes raw frames to its standard output, and their times to its standard error,
//! among its messages.
//!
//! A filter prints each frame's time before the frame itself is written, so the time of a frame that was read is known.
//! A thread of its own reads standard error to the end, so that ffmpeg is never blocked there.
//!
//! A film may hold text that ffmpeg prints in its messages. At worst such text looks like a time, and the film's own
//! frames are shown at wrong times; at most [`MAX_AHEAD`] times are kept.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::run::{Run, last_line};
use crate::error::{Error, Result};

/// Filters that print `frame:… pts:… pts_time:…` and then [`MARK`] for each frame: only frames with an entry of
/// metadata have their times printed, and only that entry is printed.
pub const PRINT_TIMES: &str =
    "metadata=mode=add:key=framereel:value=1,metadata=mode=print:key=framereel:file=pipe\\\\:2:direct=1";
const MARK: &str = "framereel=1";
/// How much of ffmpeg's messages is kept, from their end, in bytes.
const MAX_MESSAGES: usize = 4096;
/// The longest line of these filters; longer lines are read in pieces.
const MAX_LINE: u64 = 4096;
/// How many times may be printed before their frames are written: these, or more of frames so small that more of them
/// fit into a pipe of this size.
const MAX_AHEAD: usize = 4096;
const PIPE: usize = 128 << 10;
/// How much is reserved for a frame before its bytes have come.
const MAX_RESERVED: usize = 64 << 20;

/// [`PRINT_TIMES`] of chunks of sound.
pub const PRINT_SOUND_TIMES: &str =
    "ametadata=mode=add:key=framereel:value=1,ametadata=mode=print:key=framereel:file=pipe\\\\:2:direct=1";

/// A decoded frame, or a chunk of sound.
pub struct Decoded {
    pub data: Vec<u8>,
    /// Its time, in the ticks that the filters were given; none where the film has none.
    pub ticks: Option<i64>,
}

/// How a run ended.
pub struct End {
    pub status: ExitStatus,
    /// The last line of ffmpeg's messages; often empty.
    pub message: String,
    /// Whether the last frame was incomplete.
    pub broken: bool,
}

/// A run of ffmpeg that decodes frames or sound.
pub struct Decoding {
    run: Run,
    times: Receiver<Option<i64>>,
    /// The length of a frame or chunk in bytes.
    len: usize,
    /// How many bytes of an incomplete frame came last.
    rest: usize,
}

impl Decoding {
    /// Starts ffmpeg, to write frames or chunks of `len` bytes each.
    pub fn start(command: Command, len: usize) -> Result<Self> {
        let (found, times) = sync_channel(MAX_AHEAD + PIPE / len.max(1));
        let run = Run::start(command, move |stderr| read_messages(stderr, found))?;
        Ok(Self { run, times, len, rest: 0 })
    }

    /// The same run, of which nothing was read, with frames or chunks of another length. It must not be shorter, because
    /// the length says how many times may be printed ahead.
    pub fn with_len(self, len: usize) -> Self {
        debug_assert!(len >= self.len, "{len} bytes, {} at least", self.len);
        Self { len, ..self }
    }

    /// The next frame or chunk; none at the end, whatever the reason.
    pub fn next(&mut self) -> Result<Option<Decoded>> {
        let mut data = Vec::with_capacity(self.len.min(MAX_RESERVED));
        let read = (&mut self.run.output).take(self.len as u64).read_to_end(&mut data);
        read.map_err(|error| Error::not_readable("what ffmpeg decodes could not be read").with_cause(error))?;
        if data.len() < self.len {
            self.rest += data.len();
            return Ok(None);
        }
        let ticks = self.times.recv().map_err(|_| Error::unknown("ffmpeg gave a frame without its time"))?;
        Ok(Some(Decoded { data, ticks }))
    }

    /// Waits for the end of a run that gives no more frames.
    pub fn end(&mut self) -> Result<End> {
        let (status, message) = self.run.end()?;
        Ok(End { status, message, broken: self.rest > 0 })
    }
}

/// Reads to the end: times go to `found`; the last part of all other text is returned. When too many times wait,
/// further ones are dropped.
fn read_messages(stderr: impl Read, found: SyncSender<Option<i64>>) -> String {
    let mut found = Some(found);
    let mut stderr = BufReader::new(stderr);
    let mut kept = String::new();
    let mut line = Vec::new();
    while let Ok(1..) = read_line(&mut stderr, &mut line) {
        let text = String::from_utf8_lossy(&line);
        match time_in(&text) {
            Some((before, ticks)) => {
                // The receiver may be gone; ffmpeg is still read, so that it can end.
                found = found.filter(|found| found.try_send(ticks).is_ok());
                kept.push_str(before);
            }
            None if text.trim_end() == MARK => {}
            None => kept.push_str(&text),
        }
        let surplus = kept.len().saturating_sub(MAX_MESSAGES);
        let from = (surplus..=kept.len()).find(|&index| kept.is_char_boundary(index));
        kept.drain(..from.unwrap_or(0));
    }
    kept
}

fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    line.clear();
    reader.take(MAX_LINE).read_until(b'\n', line)
}

/// The time at the end of a line, and the text before it: ffmpeg writes its messages in pieces, and a time may come
/// between two of them.
/// between two of them.
fn time_in(line: &str) -> Option<(&str, Option<i64>)> {
    let (before, printed) = line.split_at(line.rfind("frame:")?);
    let mut words = printed.split_ascii_whitespace();
    words.next()?.strip_prefix("frame:")?.parse::<u64>().ok()?;
    let ticks = words.next()?.strip_prefix("pts:")?;
    words.next()?.strip_prefix("pts_time:")?;
    if words.next().is_some() {
        return None;
    }
    Some((before, if ticks == "NOPTS" { None } else { Some(ticks.parse().ok()?) }))
}

/// The times in ticks of a run's standard error, and the last line of the rest. For tests.
#[doc(hidden)]
pub fn timed(stderr: &[u8]) -> (Vec<Option<i64>>, String) {
    let (found, times) = sync_channel(MAX_AHEAD);
    let messages = read_messages(stderr, found);
    (times.try_iter().collect(), last_line(&messages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_messages_even_within_their_lines() {
        let stderr = "frame:0    pts:-512     pts_time:-0.04\nframereel=1\n[h264 @ 0x5] frame:1    pts:NOPTS   \
                      pts_time:NOPTS\r\nframereel=1\r\nerror in frame:7\nframe:2    pts:67072   pts_time:5.24\nframereel=1\n";
        let (found, times) = sync_channel(MAX_AHEAD);
        let said = read_messages(stderr.as_bytes(), found);
        assert_eq!(times.try_iter().collect::<Vec<_>>(), [Some(-512), None, Some(67072)]);
        assert_eq!(said, "[h264 @ 0x5] error in frame:7\n");
    }

    #[test]
    fn of_endless_complaints_the_end_is_kept() {
        let (found, times) = sync_channel(MAX_AHEAD);
        let said = read_messages("äöü\n".repeat(9999).as_bytes(), found);
        assert!(said.len() <= MAX_MESSAGES && said.len() > MAX_MESSAGES - 8 && said.ends_with("äöü\n"));
        assert_eq!(times.try_iter().count(), 0);
    }
}
