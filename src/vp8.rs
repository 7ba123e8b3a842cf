//! The head of a VP8 frame (RFC 6386 §9.1): what a reader must know before it decodes.

use crate::frame::Size;

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vp8Head {
    /// Whether the frame is shown; others are only references.
    pub(crate) shown: bool,
    /// The picture's size, which key frames alone give.
    pub(crate) size: Option<Size>,
}

impl Vp8Head {
    /// How many bytes the longest head has.
    pub(crate) const LONGEST: usize = 10;

    /// Reads the head at the beginning of a frame; none where it is cut or damaged.
    pub(crate) fn read(frame: &[u8]) -> Option<Self> {
        let tag = *frame.first_chunk::<3>()?;
        let shown = tag[0] & 0b1_0000 != 0;
        if tag[0] & 1 != 0 {
            return Some(Self { shown, size: None });
        }
        let [start @ .., _, _, _, _] = *frame[3..].first_chunk::<7>()?;
        let side = |at: usize| u32::from(u16::from_le_bytes([frame[at], frame[at + 1]]) & 0x3fff);
        (start == [0x9d, 0x01, 0x2a]).then(|| Self { shown, size: Some(Size::new(side(6), side(8))) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_as_the_rfc_writes_them() {
        // 176x144, both scales 1.
        let key = [0x50, 0x0b, 0, 0x9d, 0x01, 0x2a, 176, 0x40, 144, 0x40];
        assert_eq!(Vp8Head::read(&key), Some(Vp8Head { shown: true, size: Some(Size::new(176, 144)) }));
        assert_eq!(Vp8Head::read(&[0x51, 0, 0]), Some(Vp8Head { shown: true, size: None }));
        assert_eq!(Vp8Head::read(&[0x41, 0, 0]), Some(Vp8Head { shown: false, size: None }));
        for len in 0..key.len() {
            assert_eq!(Vp8Head::read(&key[..len]), None);
        }
        let without_start_code = [0x50, 0x0b, 0, 0x9d, 0x01, 0x2b, 176, 0, 144, 0];
        assert_eq!(Vp8Head::read(&without_start_code), None);
    }
}
