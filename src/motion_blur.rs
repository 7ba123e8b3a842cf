//! Motion blur: each frame is the mean of several sub-frames, which lie evenly within the time that the shutter is
//! open. Pure: the times alone. The canvas draws the sub-frames and averages them on the GPU, in linear light.
//!
//! ```text
//! frame 0                 frame 1                 frame 2
//! ├──┬──┬──┬──┬──┬──┬──┬──┼──┬──┬──┬──┬──┬──┬──┬──┼──     8 sub-frames, 360°
//! ├─┬─┬─┬─┬─┬─┬─┬─┬───────┼─┬─┬─┬─┬─┬─┬─┬─┬───────┼─      8 sub-frames, 180°: closed for half of the time
//! ```

use crate::error::{Error, Result};
use crate::time::{FrameRate, Timestamp};

/// How many sub-frames are averaged for a frame, and for which part of a frame's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MotionBlur {
    sub_frames: u32,
    /// Degrees.
    shutter: u32,
}

impl MotionBlur {
    /// The greatest number of sub-frames.
    pub const MOST: u32 = 64;

    /// The angle of a shutter that is open all the time, in degrees.
    pub const OPEN: u32 = 360;

    /// Averages 2 to 64 sub-frames, which lie evenly within all of a frame's time.
    ///
    /// # Errors
    /// A range error for another number.
    pub fn new(sub_frames: u32) -> Result<Self> {
        if !(2..=Self::MOST).contains(&sub_frames) {
            let most = Self::MOST;
            return Err(Error::range(format!(
                "expected 2 to {most} sub-frames a frame for motion blur but found {sub_frames}"
            )));
        }
        Ok(Self { sub_frames, shutter: Self::OPEN })
    }

    /// The same with a shutter of this angle, 1 to 360 degrees, as on a film camera: at 180° the sub-frames lie within
    /// the first half of a frame's time, and moving things are half as blurred.
    ///
    /// # Errors
    /// A range error for another angle.
    pub fn with_shutter(self, degrees: u32) -> Result<Self> {
        if !(1..=Self::OPEN).contains(&degrees) {
            let open = Self::OPEN;
            return Err(Error::range(format!("expected a shutter of 1 to {open} degrees but found {degrees}")));
        }
        Ok(Self { shutter: degrees, ..self })
    }

    /// The number of sub-frames of a frame.
    pub fn sub_frames(self) -> u32 {
        self.sub_frames
    }

    /// The shutter's angle in degrees.
    pub fn shutter(self) -> u32 {
        self.shutter
    }

    /// The time at which sub-frame `index` of frame `frame` begins; the first begins with the frame.
    pub(crate) fn begin(self, rate: FrameRate, frame: u64, index: u32) -> Timestamp {
        self.halves(rate, frame, 2 * index)
    }

    /// The middle of a sub-frame's time. A source's frame is chosen by it: a rounded timestamp of a frame that is meant
    /// to begin with the sub-frame then makes no difference.
    pub(crate) fn middle(self, rate: FrameRate, frame: u64, index: u32) -> Timestamp {
        self.halves(rate, frame, 2 * index + 1)
    }

    /// The time so many halves of a sub-frame after the beginning of a frame.
    fn halves(self, rate: FrameRate, frame: u64, halves: u32) -> Timestamp {
        const SECOND: i128 = 1_000_000_000;
        let frame_parts = i128::from(2 * self.sub_frames * Self::OPEN);
        let parts = i128::from(frame) * frame_parts + i128::from(halves * self.shutter);
        let (nanos, num) = (parts * i128::from(rate.den()) * SECOND, i128::from(rate.num()) * frame_parts);
        Timestamp::from_nanos(((nanos + num / 2) / num) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_frames_lie_evenly_within_the_open_shutter() {
        let rate = FrameRate::whole(25);
        let open = MotionBlur::new(4).unwrap();
        let millis = |time: Timestamp| time.as_nanos() as f64 / 1e6;
        let times = |blur: MotionBlur| [0, 1, 2, 3].map(|index| millis(blur.begin(rate, 2, index)));
        assert_eq!(times(open), [80.0, 90.0, 100.0, 110.0]);
        assert_eq!(times(open.with_shutter(180).unwrap()), [80.0, 85.0, 90.0, 95.0]);
        assert_eq!(millis(open.middle(rate, 2, 3)), 115.0);
        let ntsc = FrameRate::new(30000, 1001).unwrap();
        for frame in [0, 1, 29, 1_000_000_000] {
            assert_eq!(open.begin(ntsc, frame, 0), ntsc.timestamp(frame));
            assert_eq!(open.begin(ntsc, frame, 4), ntsc.timestamp(frame + 1));
        }
    }

    #[test]
    fn numbers_and_angles_out_of_range_are_refused() {
        for sub_frames in [0, 1, 65, u32::MAX] {
            assert_eq!(MotionBlur::new(sub_frames).unwrap_err().kind().name(), "RangeError", "{sub_frames}");
        }
        for degrees in [0, 361, u32::MAX] {
            assert!(MotionBlur::new(2).unwrap().with_shutter(degrees).is_err(), "{degrees}");
        }
        assert_eq!(MotionBlur::new(64).unwrap().with_shutter(1).unwrap().shutter(), 1);
    }
}
