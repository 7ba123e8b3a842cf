//! A rectangle of whole pixels within a picture.

use crate::frame::Size;

/// A rectangle of whole pixels, from the top left corner of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PixelRect {
    /// Pixels to its left.
    pub x: u32,
    /// Pixels above it.
    pub y: u32,
    /// Its size.
    pub size: Size,
}

impl PixelRect {
    /// A whole picture of this size.
    pub const fn whole(size: Size) -> Self {
        Self { x: 0, y: 0, size }
    }

    /// Whether it lies within a picture of this size, and is not empty.
    pub fn is_within(self, size: Size) -> bool {
        let fits = |at: u32, length: u32, all: u32| length > 0 && at.checked_add(length).is_some_and(|end| end <= all);
        fits(self.x, self.size.width, size.width) && fits(self.y, self.size.height, size.height)
    }
}
