//! A `moov` that was read: the tracks' headers and their edit lists (ISO/IEC 14496-12 §8.2 to §8.6).

use std::ops::Range;

use super::boxes::{FourCc, child, children, descend, ranges, u16_at, u32_at, u64_at};
use crate::mux::ebml::text;

/// The most tracks that are read.
pub(crate) const MAX_TRACKS: usize = 128;
/// The most edits of a track that are read.
const MAX_EDITS: usize = 1000;
/// The longest configuration that is kept, in bytes.
const MAX_CONFIG: usize = 64 << 10;

/// The content of a `moov`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Movie {
    pub(crate) bytes: Vec<u8>,
    /// The unit of [`Movie::duration`], in parts of a second; at least 1.
    pub(crate) timescale: u32,
    /// How long the file says it is; 0 where it does not say.
    pub(crate) duration: u64,
    pub(crate) tracks: Vec<TrackHeader>,
    /// How many tracks there are beyond those.
    pub(crate) unread_tracks: u64,
    /// Whether fragments may follow.
    pub(crate) fragmented: bool,
    pub(crate) writing_app: Option<String>,
}

/// What a fragment's samples are where it does not say (§8.8.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SampleDefaults {
    pub(crate) duration: u32,
    pub(crate) size: u32,
    pub(crate) flags: u32,
}

/// A track's header.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrackHeader {
    pub(crate) id: u32,
    /// `vide`, `soun` and so on.
    pub(crate) handler: FourCc,
    /// The unit of the samples' times, in parts of a second; at least 1.
    pub(crate) timescale: u32,
    /// The type of the first sample description, as `avc1`.
    pub(crate) entry: FourCc,
    /// How many sample descriptions there are.
    pub(crate) entries: u32,
    /// The content of the configuration box, as `avcC`; of `esds`, the AudioSpecificConfig.
    pub(crate) config: Vec<u8>,
    /// The MPEG-4 object type of an `esds`.
    pub(crate) object_type: Option<u8>,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) channels: u16,
    pub(crate) rate: u32,
    pub(crate) edits: Vec<EditEntry>,
    pub(crate) defaults: SampleDefaults,
    /// Whether all its data is in this file.
    pub(crate) self_contained: bool,
    /// Where the content of its `trak` begins among the bytes of the `moov`, and the content of its `stbl`.
    pub(crate) trak: usize,
    pub(crate) stbl: Range<usize>,
}

/// An entry of an edit list (§8.6.6): what is presented, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EditEntry {
    /// In the unit of the movie.
    pub(crate) duration: u64,
    /// The time in the track at which it begins, in the track's unit; -1 for nothing.
    pub(crate) media_time: i64,
}

impl Movie {
    /// Reads the content of a `moov`; what cannot be read of it is left out.
    pub(crate) fn read(bytes: Vec<u8>) -> Self {
        let mut movie = Self { timescale: 1, ..Self::default() };
        if let Some((timescale, duration)) = child(&bytes, *b"mvhd").and_then(timed) {
            (movie.timescale, movie.duration) = (timescale, duration);
        }
        for trak in ranges(&bytes).filter(|found| found.kind == *b"trak") {
            if movie.tracks.len() == MAX_TRACKS {
                movie.unread_tracks += 1;
            } else if let Some(track) = TrackHeader::read(&bytes, trak.content) {
                movie.tracks.push(track);
            }
        }
        if let Some(extends) = child(&bytes, *b"mvex") {
            movie.fragmented = true;
            for (_, trex) in children(extends).filter(|(kind, _)| kind == b"trex").take(MAX_TRACKS) {
                let field = |index: usize| u32_at(trex, 4 + 4 * index);
                let track = movie.tracks.iter_mut().find(|track| Some(track.id) == field(0));
                if let (Some(track), Some(duration), Some(size), Some(flags)) = (track, field(2), field(3), field(4)) {
                    track.defaults = SampleDefaults { duration, size, flags };
                }
            }
        }
        // Behind the version and flags of `meta`, as Apple's and ffmpeg's.
        let tool = descend(&bytes, &[*b"udta", *b"meta"])
            .and_then(|meta| descend(meta.get(4..)?, &[*b"ilst", *b"\xa9too", *b"data"]));
        movie.writing_app = tool.and_then(|data| data.get(8..)).map(text);
        movie.bytes = bytes;
        movie
    }

    /// The samples' table of a track.
    pub(crate) fn stbl(&self, track: &TrackHeader) -> &[u8] {
        &self.bytes[track.stbl.clone()]
    }
}

/// The unit and the duration of an `mvhd` or `mdhd`.
fn timed(header: &[u8]) -> Option<(u32, u64)> {
    let (timescale, duration) = match header.first()? {
        1 => (u32_at(header, 20)?, u64_at(header, 24)?),
        _ => (u32_at(header, 12)?, u32_at(header, 16)?.into()),
    };
    // All ones mean that it is not known.
    let unknown = duration == u64::from(u32::MAX) || duration == u64::MAX;
    Some((timescale.max(1), if unknown { 0 } else { duration }))
}

impl TrackHeader {
    /// Reads the track whose `trak` has its content there; none for one without a number, a handler or a table.
    fn read(moov: &[u8], at: Range<usize>) -> Option<Self> {
        let trak = &moov[at.clone()];
        let tkhd = child(trak, *b"tkhd")?;
        let id = u32_at(tkhd, if *tkhd.first()? == 1 { 20 } else { 12 })?;
        let mdia = child(trak, *b"mdia")?;
        let (timescale, _) = child(mdia, *b"mdhd").and_then(timed)?;
        let handler = *child(mdia, *b"hdlr")?.get(8..)?.first_chunk()?;
        let minf = child(mdia, *b"minf")?;
        let stbl = child(minf, *b"stbl")?;
        // Both are parts of one slice.
        let start = stbl.as_ptr() as usize - moov.as_ptr() as usize;
        let stbl_at = start..start + stbl.len();
        let mut track = Self { id, handler, timescale, trak: at.start, stbl: stbl_at, ..Self::default() };
        track.self_contained = match descend(minf, &[*b"dinf", *b"dref"]) {
            // Of each reference, the flag that says that it is this file.
            Some(dref) => {
                children(dref.get(8..)?).all(|(_, content)| content.get(3).is_some_and(|flags| flags & 1 == 1))
            }
            None => true,
        };
        if let Some(elst) = descend(trak, &[*b"edts", *b"elst"]) {
            track.edits = edits(elst);
        }
        if let Some(stsd) = child(stbl, *b"stsd") {
            track.entries = u32_at(stsd, 4)?;
            if let Some((kind, entry)) = children(stsd.get(8..)?).next() {
                track.entry = kind;
                track.read_entry(entry);
            }
        }
        Some(track)
    }

    fn read_entry(&mut self, entry: &[u8]) {
        let field = |at| u16_at(entry, at).unwrap_or(0);
        // The length of the fields before the boxes (§12.1.3, §12.2.3); QuickTime's sound has more of them.
        let fields = match &self.handler {
            b"vide" => {
                (self.width, self.height) = (field(24), field(26));
                78
            }
            b"soun" => {
                (self.channels, self.rate) = (field(16), field(24).into());
                match field(8) {
                    1 => 28 + 16,
                    _ => 28,
                }
            }
            _ => return,
        };
        for (kind, content) in entry.get(fields..).into_iter().flat_map(children) {
            match &kind {
                b"av1C" | b"avcC" | b"hvcC" | b"vpcC" | b"dOps" => {
                    self.config = content[..content.len().min(MAX_CONFIG)].to_vec();
                }
                b"esds" => {
                    let (object_type, config) = elementary_stream(content.get(4..).unwrap_or_default());
                    self.object_type = object_type;
                    self.config = config.to_vec();
                }
                _ => {}
            }
        }
        if self.rate == 0 {
            // Above 65535, the entry cannot say it; the unit is then one sample.
            self.rate = self.timescale;
        }
    }

    /// Where the track's time is in the file's: its first edit that presents something.
    pub(crate) fn presentation(&self) -> TrackPresentation {
        let mut presentation = TrackPresentation { delay: 0, media_time: 0 };
        for edit in &self.edits {
            if edit.media_time >= 0 {
                presentation.media_time = edit.media_time;
                break;
            }
            presentation.delay = presentation.delay.saturating_add(edit.duration);
        }
        presentation
    }

    /// The codec as in a `codecs` parameter (RFC 6381, and the codecs' own documents), where the header is enough for it.
    pub(crate) fn codec_string(&self) -> Option<String> {
        let config = &self.config;
        match &self.entry {
            b"av01" => crate::mux::matroska::av1_string(config),
            b"vp08" => Some("vp8".to_owned()),
            b"vp09" => {
                let [_, _, _, _, profile, level, depth, ..] = config[..] else { return None };
                Some(format!("vp09.{profile:02}.{level:02}.{:02}", depth >> 4))
            }
            b"avc1" | b"avc3" => {
                let [_, profile, constraints, level, ..] = config[..] else { return None };
                let entry = if self.entry == *b"avc1" { "avc1" } else { "avc3" };
                Some(format!("{entry}.{profile:02x}{constraints:02x}{level:02x}"))
            }
            b"hvc1" | b"hev1" => hevc_string(self.entry, config),
            b"Opus" => Some("opus".to_owned()),
            b"fLaC" => Some("flac".to_owned()),
            b"mp4a" => {
                let object_type = self.object_type?;
                // An object type of 5 bits, or 31 and 6 more (ISO/IEC 14496-3 §1.6.2.1).
                let audio = match config[..] {
                    [first, second, ..] if first >> 3 == 31 => 32 + ((first & 7) << 3 | second >> 5),
                    [first, ..] => first >> 3,
                    [] => 0,
                };
                Some(if object_type == 0x40 { format!("mp4a.40.{audio}") } else { format!("mp4a.{object_type:02x}") })
            }
            _ => None,
        }
    }
}

/// Where a track's time 0 is in the file's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrackPresentation {
    /// How long nothing is presented, in the unit of the movie.
    pub(crate) delay: u64,
    /// What is presented first after that, in the track's unit.
    pub(crate) media_time: i64,
}

/// `hvc1.1.6.L93.B0` from an hvcC (ISO/IEC 14496-15 §8.3.3.1 and Annex E.3).
pub(crate) fn hevc_string(entry: FourCc, config: &[u8]) -> Option<String> {
    let [_, profile, c0, c1, c2, c3, rest @ ..] = config else { return None };
    let level = *rest.get(6)?;
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let compatibility = u32::from_be_bytes([*c0, *c1, *c2, *c3]).reverse_bits();
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let mut text = format!("{}.{space}{}.{compatibility:X}.{tier}{level}", super::boxes::name(entry), profile & 0x1f);
    let constraints = &rest[..6];
    let used = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    constraints[..used].iter().for_each(|byte| text += &format!(".{byte:X}"));
    Some(text)
}

/// The object type and the AudioSpecificConfig of an elementary stream's descriptor (ISO/IEC 14496-1 §7.2.6.5).
fn elementary_stream(bytes: &[u8]) -> (Option<u8>, &[u8]) {
    let Some((0x03, stream)) = descriptor(bytes) else { return (None, &[]) };
    // Its number and its flags, of which each has a field of its own; none is usual.
    let Some((0x04, decoder)) = stream.get(3..).and_then(descriptor) else { return (None, &[]) };
    let config = match decoder.get(13..).and_then(descriptor) {
        Some((0x05, config)) => &config[..config.len().min(64)],
        _ => &[],
    };
    (decoder.first().copied(), config)
}

/// A descriptor's tag and data. Its length has up to four bytes of 7 bits.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (&tag, mut rest) = bytes.split_first()?;
    let mut length = 0;
    for _ in 0..4 {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((tag, rest.get(..length)?))
}

fn edits(elst: &[u8]) -> Vec<EditEntry> {
    let version = elst.first().copied().unwrap_or(0);
    let count = u32_at(elst, 4).unwrap_or(0) as usize;
    let edit = |index: usize| {
        Some(if version == 1 {
            let at = 8 + 20 * index;
            EditEntry { duration: u64_at(elst, at)?, media_time: u64_at(elst, at + 8)?.cast_signed() }
        } else {
            let at = 8 + 12 * index;
            EditEntry { duration: u32_at(elst, at)?.into(), media_time: u32_at(elst, at + 4)?.cast_signed().into() }
        })
    };
    (0..count.min(MAX_EDITS)).map_while(edit).collect()
}
