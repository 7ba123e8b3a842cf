use super::*;
use crate::error::ErrorKind;

const PCM: u16 = 1;
const FLOAT: u16 = 3;

fn chunk(name: &[u8; 4], bytes: &[u8]) -> Vec<u8> {
    let mut chunk = name.to_vec();
    chunk.extend((bytes.len() as u32).to_le_bytes());
    chunk.extend(bytes);
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let block = channels * (bits / 8);
    let mut format = Vec::new();
    format.extend(tag.to_le_bytes());
    format.extend(channels.to_le_bytes());
    format.extend(rate.to_le_bytes());
    format.extend((rate * u32::from(block)).to_le_bytes());
    format.extend(block.to_le_bytes());
    format.extend(bits.to_le_bytes());
    format
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = [b"WAVE".to_vec(), chunks.concat()].concat();
    chunk(b"RIFF", &body)
}

/// 16 bits, sample n of every channel being n.
fn counting(channels: u16, rate: u32, samples: u16) -> Vec<u8> {
    let data: Vec<u8> = (0..samples).flat_map(|sample| (0..channels).flat_map(move |_| sample.to_le_bytes())).collect();
    riff(&[chunk(b"fmt ", &format(PCM, channels, rate, 16)), chunk(b"data", &data)])
}

fn open(bytes: &[u8], start: Option<Span>) -> Result<WavSource<&[u8]>> {
    WavSource::new(bytes, "a.wav", Some(bytes.len() as u64), start)
}

/// The first channel, and how the sound ended.
fn drain(mut source: WavSource<&[u8]>) -> (Vec<f32>, Option<Error>) {
    let mut samples = Vec::new();
    loop {
        match source.next_buffer() {
            Ok(Some(buffer)) => {
                assert_eq!(buffer.timestamp - Timestamp::ZERO, span_of(samples.len() as u64, buffer.rate()));
                samples.extend_from_slice(&buffer.channels()[0]);
            }
            Ok(None) => return (samples, None),
            Err(error) => return (samples, Some(error)),
        }
    }
}

fn whole(bytes: &[u8]) -> Vec<f32> {
    let (samples, error) = drain(open(bytes, None).unwrap());
    assert!(error.is_none(), "{error:?}");
    samples
}

#[test]
fn the_header_is_told_and_the_samples_come_in_buffers_of_20_ms() {
    let bytes = counting(2, 44_100, 2_000);
    let mut source = open(&bytes, None).unwrap();
    let length = Some(span_of(2_000, 44_100));
    assert_eq!(*source.info(), AudioInfo { kind: "wav", rate: 44_100, channels: 2, length, endless: false });
    let buffers = std::iter::from_fn(|| source.next_buffer().unwrap());
    let sizes: Vec<_> = buffers.map(|buffer| (buffer.channels().len(), buffer.samples())).collect();
    assert_eq!(sizes, [(2, 882), (2, 882), (2, 236)]);
    assert_eq!(whole(&bytes)[1_999], 1_999.0 / 32_768.0);
}

#[test]
fn full_scale_is_full_scale_in_every_format() {
    let samples =
        |tag, bits, data: &[u8]| whole(&riff(&[chunk(b"fmt ", &format(tag, 1, 8_000, bits)), chunk(b"data", data)]));
    assert_eq!(samples(PCM, 8, &[0, 128, 192]), [-1.0, 0.0, 0.5]);
    assert_eq!(samples(PCM, 16, &[0, 0x80, 0, 0, 0, 0x40]), [-1.0, 0.0, 0.5]);
    assert_eq!(samples(PCM, 24, &[0, 0, 0x80, 0, 0, 0, 0, 0, 0x40]), [-1.0, 0.0, 0.5]);
    assert_eq!(samples(PCM, 32, &[0, 0, 0, 0x80, 0, 0, 0, 0x40]), [-1.0, 0.5]);
    assert_eq!(samples(FLOAT, 32, &[(-1.0_f32).to_le_bytes(), 0.5_f32.to_le_bytes()].concat()), [-1.0, 0.5]);
}

#[test]
fn chunks_of_odd_length_and_formats_with_more_to_say_are_taken() {
    let mut long = format(PCM, 1, 8_000, 32);
    long.extend([2, 0, 7, 7]);
    let data = chunk(b"data", &[0, 0, 0, 0x40]);
    let odd = chunk(b"LIST", b"odd");
    assert_eq!(whole(&riff(&[odd.clone(), chunk(b"fmt ", &long), odd, data])), [0.5]);
    // WAVEFORMATEXTENSIBLE: 24 valid bits, the upper ones of 32, as PCM.
    let mut extensible = format(0xfffe, 1, 8_000, 32);
    extensible.extend([22, 0, 24, 0, 4, 0, 0, 0]);
    extensible.extend(b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    assert_eq!(whole(&riff(&[chunk(b"fmt ", &extensible), chunk(b"data", &[0, 0, 0, 0x40])])), [0.5]);
}

#[test]
fn what_was_written_into_a_pipe_ends_where_the_file_does() {
    for len in [UNKNOWN, 0] {
        let mut bytes = counting(1, 8_000, 500);
        bytes[4..8].copy_from_slice(&len.to_le_bytes());
        bytes[40..44].copy_from_slice(&len.to_le_bytes());
        assert_eq!(open(&bytes, None).unwrap().info().length, Some(span_of(500, 8_000)));
        assert_eq!(WavSource::new(&bytes[..], "pipe", None, None).unwrap().info().length, None);
        assert_eq!(whole(&bytes).len(), 500);
        let (samples, error) = drain(open(&bytes[..bytes.len() - 1], None).unwrap());
        assert_eq!(samples.len(), 499);
        let text = error.unwrap().to_string();
        assert_eq!(text, "a.wav: expected 2 bytes of sample 499 but found 1: the file breaks off");
    }
}

#[test]
fn a_file_that_breaks_off_gives_its_whole_samples_first_wherever_it_is_cut() {
    let bytes = counting(2, 4_000, 200);
    let header = bytes.len() - 800;
    for len in header..bytes.len() {
        let source = open(&bytes[..len], None).unwrap();
        assert_eq!(source.info().length, None);
        let (samples, error) = drain(source);
        assert_eq!(samples.len(), (len - header) / 4, "cut at {len}");
        let found = samples.len();
        let expected = format!("a.wav: expected 200 samples but found {found}: the file breaks off");
        assert_eq!(error.unwrap().to_string(), expected);
    }
    for len in 0..header {
        let error = open(&bytes[..len], None).err().unwrap();
        assert!(error.to_string().starts_with("a.wav: expected"), "header cut at {len}: {error}");
        assert_eq!(*error.kind(), ErrorKind::NotReadable);
    }
}

#[test]
fn a_start_skips_to_the_sample_and_past_the_end_is_an_error() {
    let bytes = counting(1, 8_000, 800);
    let mut piped = bytes.clone();
    piped[40..44].copy_from_slice(&UNKNOWN.to_le_bytes());
    for bytes in [&bytes, &piped] {
        for (micros, first) in [(0, 0), (125, 1), (10_000, 80), (99_875, 799)] {
            let source = open(bytes, Some(Span::from_nanos(micros * 1_000))).unwrap();
            assert_eq!(source.info().length, Some(span_of(800 - first, 8_000)));
            let (samples, error) = drain(source);
            assert!(error.is_none());
            assert_eq!(samples.len() as u64, 800 - first);
            assert_eq!(samples[0], first as f32 / 32_768.0);
        }
        for start in [Span::from_millis(100), Span::from_secs(3_600_000)] {
            let error = open(bytes, Some(start)).err().unwrap();
            assert_eq!(error.to_string(), format!("a.wav: expected a start before the end at 0.1s but found {start}"));
            assert_eq!(*error.kind(), ErrorKind::Range);
        }
    }
    let cut = &bytes[..bytes.len() - 800];
    assert_eq!(drain(open(cut, Some(Span::from_millis(40))).unwrap()).0.len(), 80);
    let error = open(cut, Some(Span::from_millis(60))).err().unwrap().to_string();
    assert_eq!(error, "a.wav: expected 800 samples but found 400: the file breaks off");
}

#[test]
fn what_is_not_read_is_refused_with_what_was_found() {
    let refused = |format: Vec<u8>| {
        let error = open(&riff(&[chunk(b"fmt ", &format), chunk(b"data", &[0; 64])]), None).err().unwrap();
        assert!(error.to_string().starts_with("a.wav: expected"), "{error}");
        error
    };
    for (format, words) in [
        (format(PCM, 9, 8_000, 16), "expected 1 to 8 channels but found 9"),
        (format(PCM, 1, 3_999, 16), "expected from 4000 to 384000 samples a second but found 3999"),
        (format(PCM, 1, 8_000, 64), "found 8 bytes for 1 channels"),
        (format(2, 1, 8_000, 8), "found format 0x0002"),
        (format(0x55, 2, 44_100, 16), "found format 0x0055"),
        (format(FLOAT, 1, 8_000, 64), "found format 0x0003"),
        (format(PCM, 0, 8_000, 16), "file contains zero channels"),
    ] {
        let error = refused(format);
        assert_eq!(*error.kind(), ErrorKind::NotSupported);
        assert!(error.to_string().contains(words) && error.to_string().contains(CONVERT), "{error}");
    }
    let error = refused(format(PCM, 1, 8_000, 16)[..14].to_vec()).to_string();
    assert!(error.contains("of 16 to 1024 bytes but found 14 of 14"), "{error}");
    let none = riff(&[chunk(b"data", &[0; 4]), chunk(b"fmt ", &format(PCM, 1, 8_000, 16))]);
    assert!(open(&none, None).err().unwrap().to_string().contains("expected the format before the data"));
    let mut large = counting(1, 8_000, 4);
    large[..4].copy_from_slice(b"RF64");
    assert!(open(&large, None).err().unwrap().to_string().contains("below 4 GiB but found RF64"));
}

#[test]
fn random_bytes_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let valid = counting(2, 8_000, 50);
    for round in 0..5_000 {
        let mut bytes = valid.clone();
        for _ in 0..random() % 8 + 1 {
            // Mostly in the header.
            let place = random() as usize % if round % 4 == 0 { bytes.len() } else { 44 };
            bytes[place] = random() as u8;
        }
        bytes.truncate(random() as usize % (2 * bytes.len()));
        let start = (round % 2 == 0).then_some(Span::from_millis((random() % 10) as i64));
        if let Ok(source) = open(&bytes, start) {
            drain(source);
        }
    }
}
