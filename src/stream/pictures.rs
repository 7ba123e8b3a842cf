//! One captured frame in the pixel formats that its recorders take.

use std::sync::Arc;

use crate::frame::{Frame, PixelFormat, Size};
use crate::time::Timestamp;

/// The pixel formats that recorders take: I420 for video, RGBA for pictures and transparency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FrameFormats {
    i420: bool,
    rgba: bool,
}

impl FrameFormats {
    /// Whether no format is taken.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether both formats are taken.
    pub fn are_both(self) -> bool {
        self.i420 && self.rgba
    }

    /// The format to draw: RGBA if it is taken, which I420 can be made of.
    pub fn first(self) -> PixelFormat {
        if self.rgba { PixelFormat::Rgba8 } else { PixelFormat::I420 }
    }

    /// The formats of both.
    pub fn and(self, other: Self) -> Self {
        Self { i420: self.i420 || other.i420, rgba: self.rgba || other.rgba }
    }
}

impl FromIterator<PixelFormat> for FrameFormats {
    fn from_iter<I: IntoIterator<Item = PixelFormat>>(formats: I) -> Self {
        formats.into_iter().fold(Self::default(), |all, format| match format {
            PixelFormat::Rgba8 => Self { rgba: true, ..all },
            _ => Self { i420: true, ..all },
        })
    }
}

/// One picture as I420, as RGBA, or as both.
#[derive(Debug, Clone)]
pub(crate) struct Pictures {
    first: Arc<Frame>,
    second: Option<Arc<Frame>>,
}

impl Pictures {
    /// The same picture in one format or in two.
    pub fn new(first: Frame, second: Option<Frame>) -> Self {
        Self { first: Arc::new(first), second: second.map(Arc::new) }
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
        for frame in std::iter::once(&mut self.first).chain(&mut self.second) {
            if frame.timestamp != timestamp {
                Arc::make_mut(frame).timestamp = timestamp;
            }
        }
    }

    /// The frame in this format, converted where it was not drawn in it.
    pub fn frame(&mut self, format: PixelFormat) -> Arc<Frame> {
        if self.first.format() == format {
            return self.first.clone();
        }
        let first = &self.first;
        self.second.get_or_insert_with(|| Arc::new(first.converted(format))).clone()
    }
}

impl From<Frame> for Pictures {
    fn from(frame: Frame) -> Self {
        Self::new(frame, None)
    }
}
