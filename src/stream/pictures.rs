//! One captured frame in the pixel formats that its recorders take.

use std::sync::Arc;

use crate::frame::{Frame, PixelFormat, Size};
use crate::time::Timestamp;

/// The pixel formats that recorders take: I420 for video, of 8 or 10 bits, RGBA for pictures and transparency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FrameFormats {
    i420: bool,
    i420_p10: bool,
    rgba: bool,
}

impl FrameFormats {
    /// Whether no format is taken.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// The format to draw. Beside RGBA, whose transparency no other has, 10 bits are made of its 8.
    pub fn first(self) -> PixelFormat {
        match self {
            Self { rgba: true, .. } => PixelFormat::Rgba8,
            Self { i420_p10: true, .. } => PixelFormat::I420P10,
            _ => PixelFormat::I420,
        }
    }

    /// The format that the GPU makes of RGBA. Others are made where they are taken.
    pub fn second(self) -> Option<PixelFormat> {
        match self {
            Self { rgba: false, .. } => None,
            Self { i420_p10: true, .. } => Some(PixelFormat::I420P10),
            Self { i420, .. } => i420.then_some(PixelFormat::I420),
        }
    }

    /// The formats of both.
    pub fn and(self, other: Self) -> Self {
        Self { i420: self.i420 || other.i420, i420_p10: self.i420_p10 || other.i420_p10, rgba: self.rgba || other.rgba }
    }
}

impl FromIterator<PixelFormat> for FrameFormats {
    fn from_iter<I: IntoIterator<Item = PixelFormat>>(formats: I) -> Self {
        formats.into_iter().fold(Self::default(), |all, format| match format {
            PixelFormat::Rgba8 => Self { rgba: true, ..all },
            PixelFormat::I420P10 => Self { i420_p10: true, ..all },
            _ => Self { i420: true, ..all },
        })
    }
}

/// One picture in each of the formats that it was drawn in or asked for in.
#[derive(Debug, Clone)]
pub(crate) struct Pictures {
    first: Arc<Frame>,
    others: Vec<Arc<Frame>>,
}

impl Pictures {
    /// The same picture in one format or in two.
    pub fn new(first: Frame, second: Option<Frame>) -> Self {
        Self { first: Arc::new(first), others: second.map(Arc::new).into_iter().collect() }
    }

    /// Its size.
    pub fn size(&self) -> Size {
        self.first.size()
    }

    /// Its timestamp.
    pub fn timestamp(&self) -> Timestamp {
        self.first.timestamp
    }

    /// Sets its timestamp; the bytes are shared with frames that were delivered before.
    pub fn set_timestamp(&mut self, timestamp: Timestamp) {
        for frame in std::iter::once(&mut self.first).chain(&mut self.others) {
            if frame.timestamp != timestamp {
                Arc::make_mut(frame).timestamp = timestamp;
            }
        }
    }

    /// The frame in this format, converted where it was not drawn in it.
    pub fn frame(&mut self, format: PixelFormat) -> Arc<Frame> {
        let made = std::iter::once(&self.first).chain(&self.others).find(|frame| frame.format() == format);
        if let Some(frame) = made {
            return frame.clone();
        }
        let frame = Arc::new(self.first.converted(format));
        self.others.push(frame.clone());
        frame
    }
}

impl From<Frame> for Pictures {
    fn from(frame: Frame) -> Self {
        Self::new(frame, None)
    }
}
