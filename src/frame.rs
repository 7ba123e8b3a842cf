//! A frame in memory: its planes with their strides, its colour space, and its timestamp.

mod convert;
mod pixel_rect;

use std::sync::Arc;

pub(crate) use self::pixel_rect::PixelRect;
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// A width and a height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Size {
    /// `width` × `height`.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// The number of pixels.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Whether it is whole blocks of 2×2 pixels, which share a chroma sample in 4:2:0.
    pub(crate) const fn is_even(self) -> bool {
        self.width.is_multiple_of(2) && self.height.is_multiple_of(2)
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A rectangle in pixels, from its top left corner; fractions of pixels are allowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// The x coordinate of its left side.
    pub x: f64,
    /// The y coordinate of its top side.
    pub y: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

impl Rect {
    /// `width` × `height`, from (`x`, `y`) on.
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { x, y, width, height }
    }

    /// The whole area of this size.
    pub fn whole(size: Size) -> Self {
        Self::new(0.0, 0.0, f64::from(size.width), f64::from(size.height))
    }
}

/// The layout of a frame's bytes. Samples have 8 bits, but for the formats whose names end in `P10` and `P12`: there each
/// is a word of 16 bits, the least significant byte first, with a value of 10 or 12 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// One plane of R, G, B, A; sRGB-encoded, alpha not premultiplied.
    Rgba8,
    /// Y, U, V; chroma halved both ways, rounded up (4:2:0).
    I420,
    /// Y, U, V; chroma halved horizontally, rounded up (4:2:2).
    I422,
    /// Y, U, V at full size (4:4:4).
    I444,
    /// Y alone.
    Gray8,
    /// Y, then U and V in turn in one plane; chroma halved both ways, rounded up (4:2:0).
    Nv12,
    /// One plane of Y, U, Y, V for each pair of pixels; chroma halved horizontally (4:2:2). A row of odd width is
    /// padded to whole pairs. Also called YUY2.
    Yuyv,
    /// One plane of R, G, B; sRGB-encoded, opaque.
    Rgb8,
    /// As [`PixelFormat::I420`], with 10 bits.
    I420P10,
    /// As [`PixelFormat::I422`], with 10 bits.
    I422P10,
    /// As [`PixelFormat::I444`], with 10 bits.
    I444P10,
    /// As [`PixelFormat::I420`], with 12 bits.
    I420P12,
    /// As [`PixelFormat::I422`], with 12 bits.
    I422P12,
    /// As [`PixelFormat::I444`], with 12 bits.
    I444P12,
}

impl PixelFormat {
    /// How many planes a frame of this format has.
    pub const fn planes(self) -> usize {
        match self {
            Self::Rgba8 | Self::Rgb8 | Self::Gray8 | Self::Yuyv => 1,
            Self::Nv12 => 2,
            Self::I420 | Self::I422 | Self::I444 => 3,
            Self::I420P10 | Self::I422P10 | Self::I444P10 | Self::I420P12 | Self::I422P12 | Self::I444P12 => 3,
        }
    }

    /// How many bits a sample has: 8, 10 or 12.
    pub const fn bits(self) -> u32 {
        match self {
            Self::I420P10 | Self::I422P10 | Self::I444P10 => 10,
            Self::I420P12 | Self::I422P12 | Self::I444P12 => 12,
            _ => 8,
        }
    }

    /// The planar format of the same chroma with 10 or 12 bits; none for others than planar YUV and for other depths.
    pub(crate) const fn deepened(self, bits: u32) -> Option<Self> {
        match (self, bits) {
            (Self::I420, 10) => Some(Self::I420P10),
            (Self::I422, 10) => Some(Self::I422P10),
            (Self::I444, 10) => Some(Self::I444P10),
            (Self::I420, 12) => Some(Self::I420P12),
            (Self::I422, 12) => Some(Self::I422P12),
            (Self::I444, 12) => Some(Self::I444P12),
            _ => None,
        }
    }

    /// How far chroma is subsampled, as a shift across and a shift down.
    pub const fn chroma_shift(self) -> (u32, u32) {
        match self {
            Self::I420 | Self::Nv12 | Self::I420P10 | Self::I420P12 => (1, 1),
            Self::I422 | Self::Yuyv | Self::I422P10 | Self::I422P12 => (1, 0),
            Self::Rgba8 | Self::Rgb8 | Self::I444 | Self::I444P10 | Self::I444P12 | Self::Gray8 => (0, 0),
        }
    }

    /// Bytes in a row and number of rows of plane `plane`, without padding.
    pub const fn plane_size(self, plane: usize, size: Size) -> (usize, usize) {
        let (width, height) = (size.width as usize, size.height as usize);
        let (shift_x, shift_y) = self.chroma_shift();
        let (chroma_width, chroma_height) = (width.div_ceil(1 << shift_x), height.div_ceil(1 << shift_y));
        let bytes = if self.bits() > 8 { 2 } else { 1 };
        match (self, plane) {
            (Self::Rgba8, _) => (width * 4, height),
            (Self::Rgb8, _) => (width * 3, height),
            (Self::Yuyv, _) => (chroma_width * 4, height),
            (_, 0) => (width * bytes, height),
            (Self::Nv12, _) => (chroma_width * 2, chroma_height),
            _ => (chroma_width * bytes, chroma_height),
        }
    }
}

/// How many bits a sample of recorded video has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
#[non_exhaustive]
pub enum BitDepth {
    /// 8 bits: what every player plays.
    #[default]
    Eight,
    /// 10 bits: for film of high dynamic range, and for gradients without bands.
    Ten,
}

impl BitDepth {
    /// The number.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Eight => 8,
            Self::Ten => 10,
        }
    }

    /// The format of video of this depth, in 4:2:0.
    pub const fn i420(self) -> PixelFormat {
        match self {
            Self::Eight => PixelFormat::I420,
            Self::Ten => PixelFormat::I420P10,
        }
    }
}

/// `8` or `10`.
impl std::str::FromStr for BitDepth {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "8" => Ok(Self::Eight),
            "10" => Ok(Self::Ten),
            _ => Err(Error::syntax(format!("expected 8 or 10 bits a sample but found `{text}`"))),
        }
    }
}

/// The position of one plane in a frame's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plane {
    /// The offset of its first byte.
    pub offset: usize,
    /// Bytes from one row to the next; at least a row's bytes.
    pub stride: usize,
}

/// One picture of a video. All planes are in one memory block, each with its own offset and stride. Clones share the
/// block.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    format: PixelFormat,
    size: Size,
    /// How YUV values map to colours. Of [`PixelFormat::Rgba8`] and [`PixelFormat::Rgb8`] it only says what light they
    /// mean; matrix, range and siting are ignored.
    pub color: ColorSpace,
    /// The time at which it is shown.
    pub timestamp: Timestamp,
    planes: [Plane; 3],
    data: Arc<Vec<u8>>,
}

impl Frame {
    /// A frame whose planes lie one after the other without padding. `data` holds exactly [`Frame::packed_len`] bytes.
    ///
    /// # Panics
    /// When `data` has another length.
    pub fn packed(format: PixelFormat, size: Size, color: ColorSpace, data: Vec<u8>) -> Self {
        assert_eq!(data.len(), Self::packed_len(format, size), "packed {format:?} data of {size}");
        let mut planes = [Plane { offset: 0, stride: 0 }; 3];
        let mut offset = 0;
        for (index, plane) in planes.iter_mut().enumerate().take(format.planes()) {
            let (stride, rows) = format.plane_size(index, size);
            *plane = Plane { offset, stride };
            offset += stride * rows;
        }
        Self { format, size, color, timestamp: Timestamp::ZERO, planes, data: Arc::new(data) }
    }

    /// A frame with planes at the positions `planes`, one for each plane of the format.
    ///
    /// # Panics
    /// When a plane reaches past the end of `data`.
    pub fn strided(format: PixelFormat, size: Size, color: ColorSpace, layout: &[Plane], data: Vec<u8>) -> Self {
        let mut planes = [Plane { offset: 0, stride: 0 }; 3];
        planes[..format.planes()].copy_from_slice(layout);
        for (index, plane) in planes.iter().enumerate().take(format.planes()) {
            let (row, rows) = format.plane_size(index, size);
            let end = plane.offset + plane.stride * rows.saturating_sub(1) + row;
            assert!(plane.stride >= row && end <= data.len(), "plane {index} of {format:?} {size}: {plane:?}");
        }
        Self { format, size, color, timestamp: Timestamp::ZERO, planes, data: Arc::new(data) }
    }

    /// A black frame: I420 in [`ColorSpace::RECORDED`], with timestamp 0.
    pub fn black(size: Size) -> Self {
        const BLACK: u8 = 16;
        const GREY: u8 = 128;
        let mut data = vec![GREY; Self::packed_len(PixelFormat::I420, size)];
        data[..size.pixels() as usize].fill(BLACK);
        Self::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data)
    }

    /// A black frame of a recorder's format: RGBA, which is opaque, or I420 of 8 or 10 bits.
    pub(crate) fn black_in(format: PixelFormat, size: Size) -> Self {
        match format {
            PixelFormat::Rgba8 => {
                let data = [0, 0, 0, 255].repeat(size.pixels() as usize);
                Self::packed(format, size, ColorSpace::RECORDED, data)
            }
            _ => Self::black(size).converted(format),
        }
    }

    /// The same frame with another timestamp.
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = timestamp;
        self
    }

    /// How many bytes a frame of this format and size has without padding.
    pub fn packed_len(format: PixelFormat, size: Size) -> usize {
        (0..format.planes())
            .map(|plane| {
                let (row, rows) = format.plane_size(plane, size);
                row * rows
            })
            .sum()
    }

    /// The layout of the bytes.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The frame's size in pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The positions of the planes, one for each plane of the format.
    pub fn planes(&self) -> &[Plane] {
        &self.planes[..self.format.planes()]
    }

    /// All bytes, with padding.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The rows of plane `plane`, top first, without padding.
    pub fn rows(&self, plane: usize) -> impl ExactSizeIterator<Item = &[u8]> {
        let (row, rows) = self.format.plane_size(plane, self.size);
        let Plane { offset, stride } = self.planes[plane];
        (0..rows).map(move |y| &self.data[offset + y * stride..][..row])
    }

    /// The bytes of plane `plane` from its first to the last of its last row, with the padding between rows.
    pub fn plane_data(&self, plane: usize) -> &[u8] {
        let (row, rows) = self.format.plane_size(plane, self.size);
        let Plane { offset, stride } = self.planes[plane];
        &self.data[offset..][..stride * rows.saturating_sub(1) + row]
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({:?} {} {:?} at {:?})", self.format, self.size, self.color, self.timestamp)
    }
}
