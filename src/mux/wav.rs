//! WAV: 16-bit PCM behind a header of 44 bytes, which any player and editor reads.
//!
//! ```text
//!  0  "RIFF", the length of all that follows, "WAVE"
//! 12  "fmt ", 16, format 1 (PCM), channels, rate, bytes a second, bytes a sample of all channels, 16 bits
//! 36  "data", the length of the samples
//! 44  the samples
//! ```
//!
//! Both lengths are corrected ten times a second while the file grows. On a pipe, where that is impossible, they are
//! 0xFFFFFFFF, which readers take for "to the end". They have 32 bits, so the file is limited to 4 GiB.

use std::io::{Seek, Write};

use super::container::{ContainerWriter, Finished, SYNC_INTERVAL, check_sound};
use super::sink::BlockSink;
use super::tracks::{AudioCodec, AudioTrack};
use crate::blob::Blob;
use crate::error::{Error, ErrorKind, Result};
use crate::packet::EncodedPacket;
use crate::stream::TrackKind;
use crate::time::Timestamp;

/// The header's length, and the positions of its fields that change.
const HEADER: usize = 44;
const RIFF_LENGTH: usize = 4;
const DATA_LENGTH: usize = 40;

/// What stands between the RIFF chunk's length and the samples.
const BETWEEN: u32 = (HEADER - RIFF_LENGTH - 4) as u32;

/// The value of an unknown length.
const UNKNOWN: u32 = u32::MAX;

/// The most bytes of samples that both lengths can express.
const MAX_DATA: u32 = UNKNOWN - 1 - BETWEEN;

/// Writes one WAV file.
#[derive(Debug)]
pub struct WavWriter<W> {
    sink: BlockSink<W>,
    header: [u8; HEADER],
    /// Bytes of samples.
    data: u64,
    last: Timestamp,
    end: Timestamp,
    /// The end of the sound by the header in the sink.
    synced: Timestamp,
}

impl<W: Write + Seek> WavWriter<W> {
    /// Begins a file at the sink's beginning. A seekable sink is not written to before the first packet; one that
    /// cannot seek gets the header at once.
    ///
    /// # Errors
    /// `NotSupportedError` for sound that is not PCM; a write error.
    pub fn new(sink: W, track: &AudioTrack) -> Result<Self> {
        if track.codec != AudioCodec::Pcm {
            return Err(Error::not_supported(format!("expected PCM in a WAV file but found {:?}", track.codec)));
        }
        let mut sink = BlockSink::new(sink);
        let header = header(track);
        if !sink.is_seekable() {
            sink.append(&header)?;
            sink.flush();
        }
        let end = Timestamp::ZERO;
        Ok(Self { sink, header, data: 0, last: end, end, synced: end })
    }

    /// Writes both lengths for this many bytes of samples into the header.
    fn set_lengths(&mut self, data: u64) {
        if let (true, Ok(data)) = (self.sink.is_seekable(), u32::try_from(data)) {
            set_lengths(&mut self.header, data);
            self.sink.rewrite_beginning(&self.header);
        }
    }
}

impl<W: Write + Seek + Send> ContainerWriter<W> for WavWriter<W> {
    fn write(&mut self, kind: TrackKind, packet: &EncodedPacket) -> Result<()> {
        self.sink.error.outcome()?;
        check_sound(kind, packet, self.last)?;
        let data = self.data + packet.data.len() as u64;
        if self.sink.is_seekable() && data > u64::from(MAX_DATA) {
            return Err(Error::new(
                ErrorKind::Write,
                format!(
                    "expected at most {MAX_DATA} bytes of sound, all that a WAV file's header can say, but found \
                     {data}; record in pieces, or as Ogg or WebM"
                ),
            ));
        }
        if self.sink.written() == 0 {
            set_lengths(&mut self.header, packet.data.len() as u32);
            self.sink.append(&self.header)?;
        }
        self.sink.append(&packet.data)?;
        self.data = data;
        (self.last, self.end) = (packet.timestamp, packet.timestamp + packet.duration);
        if self.end - self.synced >= SYNC_INTERVAL {
            self.flush();
        }
        self.sink.error.outcome()
    }

    fn bytes(&self) -> u64 {
        self.sink.written()
    }

    fn flush(&mut self) {
        if self.end > self.synced {
            self.synced = self.end;
            self.set_lengths(self.data);
        }
        self.sink.flush();
    }

    fn with_sink(&mut self, look: &mut dyn FnMut(&mut W)) {
        look(&mut self.sink.sink);
    }

    fn finish(mut self: Box<Self>, _: Option<Timestamp>) -> Finished<W> {
        self.sink.flush();
        if self.sink.written() > 0 {
            let stored = self.sink.stored().saturating_sub(HEADER as u64);
            self.set_lengths(stored.min(self.data));
            self.sink.flush();
        }
        let outcome = self.sink.error.outcome();
        Finished { sink: self.sink.sink, outcome, end: self.end }
    }
}

/// The header of a file of unknown length.
fn header(track: &AudioTrack) -> [u8; HEADER] {
    let channels = u16::from(track.channels);
    let block = 2 * channels;
    let mut header = Vec::with_capacity(HEADER);
    header.extend(b"RIFF");
    header.extend(UNKNOWN.to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend([1_u16, channels].map(u16::to_le_bytes).as_flattened());
    header.extend([track.rate, track.rate * u32::from(block)].map(u32::to_le_bytes).as_flattened());
    header.extend([block, 16].map(u16::to_le_bytes).as_flattened());
    header.extend(b"data");
    header.extend(UNKNOWN.to_le_bytes());
    let mut bytes = [0; HEADER];
    bytes.copy_from_slice(&header);
    bytes
}

/// Both lengths for this many bytes of samples, [`MAX_DATA`] at most.
fn set_lengths(header: &mut [u8; HEADER], data: u32) {
    header[RIFF_LENGTH..][..4].copy_from_slice(&(data.min(MAX_DATA) + BETWEEN).to_le_bytes());
    header[DATA_LENGTH..][..4].copy_from_slice(&data.min(MAX_DATA).to_le_bytes());
}

/// Makes a whole file of one in its live form, with its real lengths. Returns it unchanged where it has them, or where
/// they are too large to express.
pub(super) fn repaired(file: Blob) -> Blob {
    let head = file.slice(0..HEADER as u64);
    let Ok(Ok(mut header)) = head.bytes().map(<[u8; HEADER]>::try_from) else { return file };
    let data = u32::try_from(file.size() - HEADER as u64).unwrap_or(UNKNOWN);
    if header[DATA_LENGTH..] != UNKNOWN.to_le_bytes() || data > MAX_DATA {
        return file;
    }
    set_lengths(&mut header, data);
    Blob::join([Blob::new(header, file.mime_type()), file.slice(HEADER as u64..file.size())])
}

#[cfg(test)]
mod tests {
    use std::io::{self, SeekFrom};

    use super::*;
    use crate::time::Span;

    /// A disk that keeps a file's beginning and counts the rest.
    #[derive(Default)]
    struct Disk {
        beginning: Vec<u8>,
        position: u64,
        length: u64,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.position == 0 {
                self.beginning = bytes.to_vec();
            }
            self.position += bytes.len() as u64;
            self.length = self.length.max(self.position);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Disk {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.position = match to {
                SeekFrom::Start(at) => at,
                SeekFrom::End(_) => self.length,
                SeekFrom::Current(_) => self.position,
            };
            Ok(self.position)
        }
    }

    #[test]
    fn a_file_that_can_say_no_more_ends_with_an_error_and_with_what_it_has() {
        let track = AudioTrack { codec: AudioCodec::Pcm, rate: 48_000, channels: 2, codec_private: Vec::new() };
        let mut writer = Box::new(WavWriter::new(Disk::default(), &track).unwrap());
        let packet = |second: i64, bytes: usize| {
            let timestamp = Timestamp::ZERO + Span::from_secs(second);
            EncodedPacket::new(vec![0; bytes], timestamp, Span::from_secs(1), true)
        };
        let large = packet(0, 1 << 27);
        for second in 0..31 {
            let timestamp = Timestamp::ZERO + Span::from_secs(second);
            writer.write(TrackKind::Audio, &EncodedPacket { timestamp, ..large.clone() }).unwrap();
        }
        let error = writer.write(TrackKind::Audio, &packet(31, 1 << 27)).unwrap_err();
        let text = "expected at most 4294967258 bytes of sound, all that a WAV file's header can say, but found 4294967296; \
                    record in pieces, or as Ogg or WebM";
        assert_eq!((error.kind(), error.to_string().as_str()), (&ErrorKind::Write, text));
        let Finished { sink, outcome, .. } = writer.finish(None);
        outcome.unwrap();
        let data = 31_u32 << 27;
        assert_eq!(sink.length, u64::from(data) + 44);
        assert_eq!(sink.beginning[40..], data.to_le_bytes());
        assert_eq!(sink.beginning[4..8], (data + 36).to_le_bytes());
    }
}
