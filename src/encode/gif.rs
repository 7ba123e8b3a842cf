//! Pictures of a GIF (GIF89a): at most 256 colours, and of each picture only what has changed.
//!
//! ```text
//! frame ─▶ which pixels change? ─▶ [dither]  ─▶ which pixels differ from what is shown? ─▶ [compress] ─▶ packet
//!          (by the source alone)   worker       (by the palette's colours)                  worker
//! ```
//!
//! Both decisions are made in the order of the frames on the caller's thread, and the work between is a function of one
//! frame, so that any number of workers makes the same bytes. A pixel whose colour in the source is near that for which
//! it was drawn stays as it is: what stands still neither flickers nor takes bytes.
//!
//! At most two frames a worker and two more are in flight, and at most 64 MiB of frames wait for the first palette.
//! `mux/gif.rs` describes the packets.

mod color_map;
mod dither;
mod lzw;
mod options;
mod palette;

use std::collections::VecDeque;
use std::sync::Arc;

pub use self::options::{GifDither, GifOptions, GifPalette};

use self::color_map::{ColorMap, Palette};
use self::dither::{Change, dither};
use self::palette::{PaletteMaker, RollingPalette};
use super::workers::{PendingResult, Workers};
use super::{EncoderConfig, KeyRhythm, RateControl, VideoEncoder};
use crate::codec::VideoCodec;
use crate::error::Result;
use crate::frame::{Frame, Size};
use crate::packet::EncodedPacket;
use crate::time::{Span, Timestamp};

/// How many bytes of frames may wait for the first palette.
const MOST_WAITING: usize = 64 << 20;
/// How far a pixel may be from what is shown, in 255ths, before it is drawn anew.
const TOLERANCE: u8 = 3;
const HIGHEST_TOLERANCE: u8 = 16;

pub(super) struct GifEncoder {
    config: EncoderConfig,
    tolerance: u8,
    maker: PaletteMaker,
    keys: KeyRhythm,
    workers: Workers<GifMemory>,
    /// The first frames, until there is a palette.
    waiting: VecDeque<Taken>,
    palette: Option<RollingPalette>,
    changes: ChangeFinder,
    screen: GifScreen,
    mapping: VecDeque<(ShownTime, PendingResult<Mapped>)>,
    packing: VecDeque<(ShownTime, PendingResult<Vec<u8>>)>,
}

/// The memory of a thread.
struct GifMemory {
    map: Option<ColorMap>,
    lzw: lzw::Lzw,
}

impl Default for GifMemory {
    fn default() -> Self {
        Self { map: None, lzw: lzw::Lzw::new() }
    }
}

impl GifMemory {
    /// The colours of this palette, with what was found in it before if it is still that of the last picture.
    fn map(&mut self, palette: Arc<Palette>) -> &mut ColorMap {
        let known = self.map.take().filter(|map| Arc::ptr_eq(map.palette(), &palette));
        self.map.insert(known.unwrap_or_else(|| ColorMap::new(palette)))
    }
}

/// A frame, and whether it is to be a key frame.
struct Taken {
    frame: Frame,
    duration: Span,
    key: bool,
}

/// When a frame is shown.
struct ShownTime {
    timestamp: Timestamp,
    duration: Span,
    key: bool,
}

/// A frame's indices in a palette.
struct Mapped {
    plan: FramePlan,
    indices: Vec<u8>,
    palette: Arc<Palette>,
}

impl GifEncoder {
    pub(super) fn new(config: &EncoderConfig) -> Result<Self> {
        config.gif.validate()?;
        let tolerance = match config.rate_control {
            RateControl::Quality(quality) => {
                let share = f32::from(100 - quality.min(100)) / 100.0;
                (share * f32::from(HIGHEST_TOLERANCE)).round() as u8
            }
            RateControl::Bitrate(_) => TOLERANCE,
        };
        let threshold = config.gif.alpha_threshold;
        Ok(Self {
            tolerance,
            maker: PaletteMaker { colors: usize::from(config.gif.colors.min(255)), threshold },
            keys: KeyRhythm::new(config.key_interval),
            workers: Workers::new("GIF encoder", config.threads.clamp(1, 64), GifMemory::default)?,
            waiting: VecDeque::new(),
            palette: None,
            changes: ChangeFinder::new(config.size, threshold),
            screen: GifScreen::new(config.size),
            mapping: VecDeque::new(),
            packing: VecDeque::new(),
            config: config.clone(),
        })
    }

    /// Whether more frames are to be looked at before the first palette is made.
    fn is_curious(&self) -> bool {
        let (Some(first), Some(last)) = (self.waiting.front(), self.waiting.back()) else { return true };
        let seen = (last.frame.timestamp - first.frame.timestamp) + last.duration;
        let bytes = (self.waiting.len() + 1) * last.frame.data().len();
        seen < self.config.gif.lookahead_or_default() && bytes <= MOST_WAITING
    }

    /// Makes the first palette, and has the waiting frames encoded.
    fn begin(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        if self.palette.is_none() && self.config.gif.palette != GifPalette::PerFrame {
            let frames = self.waiting.iter().map(|taken| &taken.frame);
            self.palette = Some(RollingPalette::new(self.maker, frames));
        }
        while let Some(taken) = self.waiting.pop_front() {
            self.submit(taken);
            self.collect_until(self.most_in_flight(), packets)?;
        }
        Ok(())
    }

    fn most_in_flight(&self) -> usize {
        2 * self.config.threads.clamp(1, 64) + 2
    }

    /// Decides what of the frame changes, and has its colours mapped.
    fn submit(&mut self, Taken { frame, duration, key }: Taken) {
        let shown = ShownTime { timestamp: frame.timestamp, duration, key };
        let plan = self.changes.follow(&frame, key, self.tolerance);
        if let (GifPalette::Rolling, Some(palette)) = (self.config.gif.palette, &mut self.palette) {
            palette.follow(&frame);
        }
        let palette = self.palette.as_ref().map(|palette| palette.palette().clone());
        let (maker, kind, serpentine) = (self.maker, self.config.gif.dither, self.config.gif.serpentine);
        let map = move |memory: &mut GifMemory| {
            let palette = palette.unwrap_or_else(|| Arc::new(maker.of_one(&frame)));
            let indices = dither(&frame, &plan.changes, kind, serpentine, memory.map(palette.clone()));
            Mapped { plan, indices, palette }
        };
        self.mapping.push_back((shown, self.workers.submit(map)));
    }

    /// Appends the packets that are ready, and waits until no more than `most` frames are in flight.
    fn collect_until(&mut self, most: usize, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        loop {
            let full = self.mapping.len() + self.packing.len() > most;
            if let Some((_, mapped)) = self.mapping.front()
                && let Some(mapped) = mapped.take(full && self.packing.is_empty())?
            {
                self.pack(mapped);
            } else if let Some((_, packed)) = self.packing.front()
                && let Some(data) = packed.take(full)?
            {
                if let Some((ShownTime { timestamp, duration, key }, _)) = self.packing.pop_front() {
                    packets.push(EncodedPacket::new(data, timestamp, duration, key));
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Decides what of the oldest mapped frame is written, and has it compressed.
    fn pack(&mut self, mapped: Mapped) {
        let Some((shown, _)) = self.mapping.pop_front() else { return };
        let picture = self.screen.show(mapped);
        let packed = self.workers.submit(move |memory| picture.packet(&mut memory.lzw));
        self.packing.push_back((shown, packed));
    }
}

impl VideoEncoder for GifEncoder {
    fn name(&self) -> &str {
        "gif"
    }

    fn codec_private(&self) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn codec_string(&self) -> Option<String> {
        Some(VideoCodec::Gif.name().to_owned())
    }

    fn encode(&mut self, frame: &Frame, duration: Span, key: bool, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.config.check(frame)?;
        let key = self.keys.falls_on(frame.timestamp, duration, key);
        self.waiting.push_back(Taken { frame: frame.clone(), duration, key });
        if self.palette.is_none() && self.config.gif.palette != GifPalette::PerFrame && self.is_curious() {
            return Ok(());
        }
        self.begin(packets)
    }

    fn poll(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        self.collect_until(usize::MAX, packets)
    }

    fn finish(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<()> {
        if !self.waiting.is_empty() {
            self.begin(packets)?;
        }
        self.collect_until(0, packets)
    }
}

/// Finds which pixels change, by the source's colours alone.
struct ChangeFinder {
    threshold: u8,
    /// For each pixel, the source's colour for which it was drawn; transparent black where nothing is.
    drawn: Vec<[u8; 4]>,
    /// Whether there was no frame yet.
    blank: bool,
    /// Whether a pixel was transparent in any frame so far.
    transparent: bool,
}

/// What becomes of each pixel, and of the picture before.
struct FramePlan {
    changes: Vec<Change>,
    key: bool,
    /// The picture's image covers everything.
    whole: bool,
    /// The picture before disappears first, because pixels become transparent: an image cannot take any away.
    dispose: bool,
    /// It has to be covered by an image of the whole size to disappear: before this, images covered what changed.
    cover: bool,
}

impl ChangeFinder {
    fn new(size: Size, threshold: u8) -> Self {
        Self { threshold, drawn: vec![[0; 4]; size.pixels() as usize], blank: true, transparent: false }
    }

    fn follow(&mut self, frame: &Frame, key: bool, tolerance: u8) -> FramePlan {
        let threshold = self.threshold;
        let pixels = || frame.rows(0).flat_map(|row| row.as_chunks::<4>().0);
        let (mut cleared, mut transparent) = (false, false);
        let mut changes: Vec<Change> = pixels()
            .zip(&mut self.drawn)
            .map(|(&[r, g, b, alpha], drawn)| {
                if alpha < threshold {
                    transparent = true;
                    let stays = !key && drawn[3] == 0;
                    cleared |= !stays;
                    *drawn = [0; 4];
                    return if stays { Change::Keep } else { Change::Clear };
                }
                let off = drawn[0].abs_diff(r).max(drawn[1].abs_diff(g)).max(drawn[2].abs_diff(b));
                if !key && drawn[3] != 0 && off <= tolerance {
                    return Change::Keep;
                }
                *drawn = [r, g, b, 255];
                Change::Draw
            })
            .collect();
        let dispose = cleared && !self.blank;
        if dispose {
            for ((change, &[r, g, b, alpha]), drawn) in changes.iter_mut().zip(pixels()).zip(&mut self.drawn) {
                if alpha >= threshold {
                    (*change, *drawn) = (Change::Draw, [r, g, b, 255]);
                }
            }
        }
        let cover = dispose && !self.transparent;
        (self.blank, self.transparent) = (false, self.transparent || transparent);
        FramePlan { changes, key, whole: key || self.transparent, dispose, cover }
    }
}

/// What the GIF shows after each picture.
struct GifScreen {
    size: Size,
    /// Each pixel's colour, and its index in the present palette, or that of transparency where it was drawn with another
    /// palette.
    colors: Vec<Option<[u8; 3]>>,
    indices: Vec<u8>,
    palette: Option<Arc<Palette>>,
    /// The palette of the last key frame, which is the file's own.
    global: Option<Arc<Palette>>,
}

/// A picture as it is written.
struct GifPicture {
    size: Size,
    palette: Arc<Palette>,
    key: bool,
    /// Whether the palette is written with the picture.
    own_palette: bool,
    dispose: bool,
    cover: bool,
    /// Left, top, width and height.
    place: [usize; 4],
    indices: Vec<u8>,
    free: Vec<bool>,
}

impl GifScreen {
    fn new(size: Size) -> Self {
        let pixels = size.pixels() as usize;
        Self { size, colors: vec![None; pixels], indices: vec![0; pixels], palette: None, global: None }
    }

    /// Shows a picture; finds what of it is to be written.
    fn show(&mut self, Mapped { plan, indices, palette }: Mapped) -> GifPicture {
        let transparent = transparent_index(&palette);
        let is = |known: &Option<Arc<Palette>>| known.as_ref().is_some_and(|known| Arc::ptr_eq(known, &palette));
        if !is(&self.palette) {
            self.indices.fill(transparent);
            self.palette = Some(palette.clone());
        }
        if plan.key {
            self.global = Some(palette.clone());
        }
        if plan.key || plan.dispose {
            self.colors.fill(None);
            self.indices.fill(transparent);
        }
        let width = self.size.width as usize;
        let mut free = Vec::with_capacity(indices.len());
        // Left, top, right and bottom of what is drawn.
        let mut edges = [usize::MAX, usize::MAX, 0, 0];
        for (at, (&change, index)) in plan.changes.iter().zip(indices).enumerate() {
            let same = match change {
                Change::Keep => true,
                Change::Clear => {
                    (self.colors[at], self.indices[at]) = (None, transparent);
                    true
                }
                Change::Draw => {
                    let color = Some(palette.colors()[usize::from(index)]);
                    self.indices[at] = index;
                    std::mem::replace(&mut self.colors[at], color) == color
                }
            };
            if !same {
                let (x, y) = (at % width, at / width);
                edges = [edges[0].min(x), edges[1].min(y), edges[2].max(x), edges[3].max(y)];
            }
            free.push(same);
        }
        let place = match edges {
            _ if plan.whole => [0, 0, width, self.size.height as usize],
            [left, top, right, bottom] if left <= right => [left, top, right - left + 1, bottom - top + 1],
            // Nothing has changed, but an image has a pixel at least.
            _ => [0, 0, 1, 1],
        };
        let [left, top, across, down] = place;
        let cut = |row: usize| (top + row) * width + left..(top + row) * width + left + across;
        GifPicture {
            size: self.size,
            key: plan.key,
            own_palette: !is(&self.global),
            dispose: plan.dispose,
            cover: plan.cover,
            place,
            indices: (0..down).flat_map(|row| &self.indices[cut(row)]).copied().collect(),
            free: (0..down).flat_map(|row| &free[cut(row)]).copied().collect(),
            palette,
        }
    }
}

/// The index after the last colour.
fn transparent_index(palette: &Palette) -> u8 {
    palette.colors().len().min(255) as u8
}

impl GifPicture {
    /// The packet, as `mux/gif.rs` describes it.
    fn packet(&self, lzw: &mut lzw::Lzw) -> Vec<u8> {
        let mut data = Vec::with_capacity(self.indices.len() / 2);
        if self.key {
            data.extend([self.size.width, self.size.height].map(|side| (side as u16).to_le_bytes()).as_flattened());
            // A global table, in 8 bits a colour; no background, no aspect ratio.
            data.extend([0xF0 | (self.table_bits() - 1), 0, 0]);
            self.append_table(&mut data);
        }
        // The graphic control extension (GIF89a §23), in whose flags are two for the writer.
        let flags = u8::from(self.dispose) << 5 | u8::from(self.cover) << 6 | 1 << 2 | 1;
        data.extend([0x21, 0xF9, 4, flags, 0, 0, transparent_index(&self.palette), 0]);
        // The image descriptor (§20), and the palette with it if it has its own.
        data.push(0x2C);
        data.extend(self.place.map(|number| (number as u16).to_le_bytes()).as_flattened());
        data.push(if self.own_palette { 0x80 | (self.table_bits() - 1) } else { 0 });
        if self.own_palette {
            self.append_table(&mut data);
        }
        let transparent = Some(transparent_index(&self.palette));
        lzw.append(&self.indices, &self.free, transparent, 1 << self.table_bits(), &mut data);
        data
    }

    /// The bits of an index: tables have a power of two of colours.
    fn table_bits(&self) -> u8 {
        (self.palette.colors().len() + 1).next_power_of_two().trailing_zeros().clamp(1, 8) as u8
    }

    fn append_table(&self, data: &mut Vec<u8>) {
        let colors = self.palette.colors();
        data.extend_from_slice(colors.as_flattened());
        data.resize(data.len() + 3 * ((1 << self.table_bits()) - colors.len()), 0);
    }
}

#[cfg(test)]
mod tests;
