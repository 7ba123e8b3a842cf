//! A fragment of a growing file: a `moof` that describes samples, and the `mdat` that holds them (ISO/IEC 14496-12 §8.8).

use super::boxes::BoxWriter;

/// Flags of samples (§8.8.3.1): a key frame depends on no other; another frame does, and is no sync sample.
pub(crate) const KEY_FLAGS: u32 = 0x0200_0000;
pub(crate) const OTHER_FLAGS: u32 = 0x0101_0000;

/// How many bytes a fragment has beside its samples' data, at least.
pub(crate) const LEAST_FRAGMENT: u64 = 108;

/// A sample that waits for its fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FragmentSample {
    /// In the track's unit.
    pub(crate) time: u64,
    pub(crate) duration: u32,
    pub(crate) size: u32,
    pub(crate) key: bool,
}

/// The samples of one track in a fragment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FragmentTrack<'a> {
    /// The track's number.
    pub(crate) id: u32,
    /// At least one.
    pub(crate) samples: &'a [FragmentSample],
    /// Their data.
    pub(crate) data: &'a [u8],
}

/// A fragment's bytes, and places in them.
#[derive(Debug)]
pub(crate) struct WrittenFragment {
    pub(crate) bytes: Vec<u8>,
    /// Where each track's data begins, and where the duration of its last sample is.
    pub(crate) places: Vec<(u64, u64)>,
}

/// Writes a fragment with this number, counted from 1.
pub(crate) fn write(sequence: u32, tracks: &[FragmentTrack]) -> WrittenFragment {
    let mut boxes = BoxWriter::default();
    let mut offsets_at = Vec::new();
    let mut places = Vec::new();
    boxes.boxed(*b"moof", |moof| {
        moof.full(*b"mfhd", 0, 0, |mfhd| mfhd.u32(sequence));
        for track in tracks {
            moof.boxed(*b"traf", |traf| {
                // Offsets count from the beginning of this `moof`.
                traf.full(*b"tfhd", 0, 0x02_0000, |tfhd| tfhd.u32(track.id));
                traf.full(*b"tfdt", 1, 0, |tfdt| tfdt.u64(track.samples[0].time));
                // An offset; of each sample duration, size and flags.
                traf.full(*b"trun", 0, 0x701, |trun| {
                    trun.u32(track.samples.len() as u32);
                    offsets_at.push(trun.len());
                    trun.u32(0);
                    for sample in track.samples {
                        trun.u32(sample.duration);
                        trun.u32(sample.size);
                        trun.u32(if sample.key { KEY_FLAGS } else { OTHER_FLAGS });
                    }
                    places.push((0, trun.len() as u64 - 12));
                });
            });
        }
    });
    let mut at = boxes.len() as u64 + 8;
    for ((track, offset_at), place) in tracks.iter().zip(offsets_at).zip(&mut places) {
        boxes.set_u32(offset_at, at as u32);
        place.0 = at;
        at += track.data.len() as u64;
    }
    boxes.boxed(*b"mdat", |mdat| tracks.iter().for_each(|track| mdat.bytes(track.data)));
    WrittenFragment { bytes: boxes.into_bytes(), places }
}

#[cfg(test)]
mod tests {
    use super::super::boxes::{child, u32_at};
    use super::*;

    #[test]
    fn offsets_lead_to_the_data() {
        let sample = |size, duration| FragmentSample { time: 5, duration, size, key: true };
        let (video, sound) = ([sample(3, 40), sample(1, 41)], [sample(2, 20)]);
        let tracks = [
            FragmentTrack { id: 1, samples: &video, data: b"abcd" },
            FragmentTrack { id: 2, samples: &sound, data: b"xy" },
        ];
        let WrittenFragment { bytes, places } = write(9, &tracks);
        let [(first, duration_at), (second, _)] = places[..] else { panic!() };
        assert_eq!(&bytes[first as usize..][..4], b"abcd");
        assert_eq!(&bytes[second as usize..], b"xy");
        assert_eq!(u32_at(&bytes, duration_at as usize), Some(41));
        assert_eq!(child(&bytes, *b"mdat"), Some(&b"abcdxy"[..]));
        let least = write(1, &[FragmentTrack { id: 1, samples: &sound, data: b"xy" }]);
        assert_eq!(least.bytes.len() as u64, LEAST_FRAGMENT + 2);
    }
}
