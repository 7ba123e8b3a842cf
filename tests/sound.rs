//! Sound, from its sources through Opus into a WebM file, examined with programs that share no code with framereel:
//! ffmpeg and Chromium. `make test` installs both; see support/tools.rs.

mod support {
    pub mod browser;
    pub mod program;
    pub mod tools;
}

use std::f64::consts::TAU;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use framereel::audio::{AudioBuffer, samples_in};
use framereel::encode::opus::{OpusConfig, OpusEncoder, RATE};
use framereel::packet::EncodedPacket;
use framereel::source::audio::{AudioSpec, open_audio};
use framereel::source::tone;
use framereel::time::{Span, Timestamp};
use framereel::{ErrorKind, Result};
use serde_json::json;
use support::browser::judge;
use support::program::{Bench, run};
use support::tools;
use webm::mux::{AudioCodecId, SegmentBuilder, Writer};

const BITRATE: u32 = 128_000;

/// A beep is louder than this from its first quarter of a cycle on, all else is not.
const LOUD: f32 = 0.25;

/// Encodes these sounds, and checks what holds for all packets.
fn encoded(channels: u8, sounds: &[AudioBuffer]) -> (OpusEncoder, Vec<EncodedPacket>) {
    let mut encoder = OpusEncoder::new(&OpusConfig::new(channels, BITRATE)).expect("an encoder");
    let mut packets = Vec::new();
    sounds.iter().for_each(|sound| encoder.encode(sound, &mut packets).expect("encoded sound"));
    encoder.finish(&mut packets).expect("the last packets");
    for (index, packet) in packets.iter().enumerate() {
        assert_eq!(packet.timestamp.as_nanos(), 20_000_000 * index as i64);
        assert_eq!(packet.duration, Span::from_millis(20));
        assert!(packet.key && !packet.data.is_empty());
    }
    (encoder, packets)
}

/// Writes a file of nothing but these packets.
fn write(path: &Path, channels: u8, (encoder, packets): &(OpusEncoder, Vec<EncodedPacket>)) {
    let writer = Writer::new(File::create(path).expect("a new file"));
    let builder = SegmentBuilder::new(writer).expect("a segment");
    let (builder, track) = builder.add_audio_track(RATE, channels.into(), AudioCodecId::Opus, None).expect("a track");
    let builder = builder.set_codec_private(track, &encoder.codec_private()).expect("a track with its header");
    let mut segment = builder.build();
    for packet in packets {
        let nanos = packet.timestamp.as_nanos() as u64;
        segment.add_frame(track, &packet.data, nanos, packet.key).expect("a block");
    }
    assert!(segment.finalize(Some(packets.len() as u64 * 20)).is_ok());
}

/// What ffmpeg hears of these sounds, one list of samples a channel. None without ffmpeg.
fn heard(channels: u8, sounds: &[AudioBuffer]) -> Option<Vec<Vec<f32>>> {
    let bench = Bench::new();
    let path = bench.path("sound.webm");
    write(&path, channels, &encoded(channels, sounds));
    decoded(&path, channels.into())
}

/// What ffmpeg decodes from a file.
fn decoded(path: &Path, channels: usize) -> Option<Vec<Vec<f32>>> {
    if !tools::has("ffmpeg") {
        return None;
    }
    let raw = path.with_extension("f32");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-i"]).arg(path).args(["-f", "f32le"]).arg(&raw);
    assert_eq!(run(&mut command, &[]).succeeded().stderr, "", "ffmpeg on {}", path.display());
    let bytes = std::fs::read(raw).expect("ffmpeg's samples");
    let samples: Vec<_> = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    Some((0..channels).map(|channel| samples.iter().skip(channel).step_by(channels).copied().collect()).collect())
}

/// Sound from a function of the time in seconds, which begins at `from`.
fn sound(rate: u32, from: Span, length: Span, wave: impl Fn(f64) -> f64) -> AudioBuffer {
    let begin = from.as_secs_f64();
    let samples = (0..samples_in(length, rate)).map(|at| wave(begin + at as f64 / f64::from(rate)) as f32).collect();
    AudioBuffer::new(rate, Timestamp::ZERO + from, vec![samples]).expect("sound")
}

fn millis(millis: i64) -> Span {
    Span::from_millis(millis)
}

fn sine(hertz: f64, amplitude: f64) -> impl Fn(f64) -> f64 {
    move |time| amplitude * (time * hertz * TAU).sin()
}

/// A beep from one time to another, in seconds; a hum before and after.
fn beep(from: f64, to: f64) -> impl Fn(f64) -> f64 {
    // A sample that falls on the beginning is the beep's, whichever way its time was rounded.
    move |time| if time > from - 1e-9 && time < to { sine(1_000.0, 0.5)(time) } else { sine(440.0, 0.1)(time) }
}

/// The first loud sample from `from` on.
fn onset(samples: &[f32], from: usize) -> usize {
    from + samples[from..].iter().position(|sample| sample.abs() > LOUD).expect("a beep")
}

/// How many samples after its beginning a beep is loud: a twelfth of a cycle.
const RISE: usize = 4;

fn assert_near(found: usize, expected: usize, within: usize, what: &str) {
    assert!(found.abs_diff(expected) <= within, "{what}: expected {expected} but found {found}");
}

/// The strength of one frequency: its amplitude.
fn strength(samples: &[f32], hertz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (at, &sample) in samples.iter().enumerate() {
        let (sin, cos) = (at as f64 / f64::from(RATE) * hertz * TAU).sin_cos();
        re += f64::from(sample) * cos;
        im += f64::from(sample) * sin;
    }
    2.0 * re.hypot(im) / samples.len() as f64
}

fn loudness(samples: &[f32]) -> f64 {
    (samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

/// The tone's first 2.5 s.
fn tone_buffers() -> Vec<AudioBuffer> {
    let mut source = open_audio(&AudioSpec::Tone, None).expect("the tone");
    (0..125).map(|_| source.next_buffer().expect("sound").expect("no end")).collect()
}

#[test]
fn what_is_put_at_a_time_is_heard_at_that_time_to_the_sample() {
    let Some(heard) = heard(1, &tone_buffers()) else { return };
    let heard = &heard[0];
    assert_eq!(heard.len(), 120_000);
    for beep in [48_000, 96_000] {
        assert_near(onset(heard, beep - 10_000), beep + RISE, 3, "a beep");
    }
    // Shifted by even one sample, what is heard fits less well.
    let fit = |shift: i64| -> f64 {
        let pairs = (40_000..60_000).map(|at: i64| (tone::sample(at as u64), heard[(at + shift) as usize]));
        pairs.map(|(put, heard)| f64::from(put) * f64::from(heard)).sum()
    };
    let best = (-400..=400).max_by(|&a, &b| fit(a).total_cmp(&fit(b)));
    assert_eq!(best, Some(0));
}

#[test]
fn sound_of_any_rate_keeps_its_pitch_its_strength_and_its_time() {
    for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000] {
        let whole = sound(rate, Span::ZERO, millis(2_000), beep(1.0, 1.5));
        // In buffers whose length has nothing to do with anything.
        let pieces: Vec<_> = (0..whole.samples())
            .step_by(997)
            .map(|begin| whole.slice(begin..(begin + 997).min(whole.samples())))
            .collect();
        let Some(heard) = heard(1, &pieces) else { return };
        assert_eq!(heard[0].len(), 96_000, "{rate}");
        assert_near(onset(&heard[0], 10_000), 48_000 + RISE, 5, &format!("the beep at {rate} Hz"));
        let (hum, beep) = (&heard[0][4_800..43_200], &heard[0][52_800..67_200]);
        assert!((strength(hum, 440.0) - 0.1).abs() < 0.002, "{rate}: {}", strength(hum, 440.0));
        assert!((strength(beep, 1_000.0) - 0.5).abs() < 0.01, "{rate}: {}", strength(beep, 1_000.0));
        let cycles = hum.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        assert_near(cycles, 352, 1, &format!("cycles of the hum at {rate} Hz"));
    }
}

#[test]
fn gaps_are_silent_and_sound_after_them_is_at_its_time() {
    let sounds = [
        sound(44_100, millis(500), millis(100), sine(1_000.0, 0.5)),
        sound(44_100, millis(1_250), millis(100), sine(1_000.0, 0.5)),
        // Another rate, and after half a minute.
        sound(16_000, millis(31_000), millis(100), sine(1_000.0, 0.5)),
    ];
    let Some(heard) = heard(1, &sounds) else { return };
    let heard = &heard[0];
    for begin in [24_000, 60_000, 1_488_000] {
        assert_near(onset(heard, begin - 20_000), begin + RISE, 5, "sound");
        assert!(loudness(&heard[begin - 20_000..begin - 1_000]) < 1e-4, "before {begin}");
        assert!(loudness(&heard[begin..begin + 4_800]) > 0.3, "at {begin}");
    }
    assert_eq!(heard.len(), 1_492_800_usize.next_multiple_of(960));
    let (encoder, _) = encoded(1, &sounds);
    assert_eq!((encoder.filled(), encoder.cut()), (millis(500 + 650 + 29_650), Span::ZERO));
}

#[test]
fn what_overlaps_is_cut_off_the_newcomer() {
    let sounds = [
        sound(48_000, millis(0), millis(1_000), sine(440.0, 0.1)),
        sound(48_000, millis(900), millis(200), beep(1.0, 1.1)),
        // All of it is over already.
        sound(48_000, millis(500), millis(300), sine(1_000.0, 0.5)),
        sound(48_000, millis(1_100), millis(100), sine(440.0, 0.1)),
    ];
    let Some(heard) = heard(1, &sounds) else { return };
    assert_eq!(heard[0].len(), 57_600);
    assert_near(onset(&heard[0], 0), 48_000 + RISE, 3, "the beep");
    assert!((strength(&heard[0][4_800..43_200], 440.0) - 0.1).abs() < 0.002);
    assert!(strength(&heard[0][54_000..57_600], 1_000.0) < 0.01);
    let (encoder, _) = encoded(1, &sounds);
    assert_eq!((encoder.filled(), encoder.cut()), (Span::ZERO, millis(400)));
}

#[test]
fn a_device_whose_clock_drifts_and_jitters_stays_at_its_time() {
    for tempo in [1.0005, 0.9995] {
        // For 20 s, 20 ms of samples at a time that come up to 1.5 ms early or late.
        let pieces: Vec<_> = (0..1_000)
            .map(|index| {
                let nominal = f64::from(index) * 0.02 * tempo;
                let jitter = f64::from(index * 7 % 13 - 6) * 0.00025;
                let sound = if index == 990 { sine(1_000.0, 0.5) } else { sine(1_000.0, 0.1) };
                let mut piece = self::sound(RATE, Span::ZERO, millis(20), sound);
                piece.timestamp = Timestamp::from_nanos(((nominal + jitter).max(0.0) * 1e9) as i64);
                piece
            })
            .collect();
        let Some(heard) = heard(1, &pieces) else { return };
        let expected = (990.0 * 960.0 * tempo) as usize;
        // The tolerance, and the jitter.
        assert_near(onset(&heard[0], 100_000), expected, 96 + 72, &format!("the beep at {tempo}"));
    }
}

#[test]
fn left_and_right_stay_apart() {
    let [left, right] = [440.0, 1_000.0].map(|hertz| sound(RATE, Span::ZERO, millis(1_000), sine(hertz, 0.5)));
    let both = vec![left.channels()[0].clone(), right.channels()[0].clone()];
    let both = AudioBuffer::new(RATE, Timestamp::ZERO, both).expect("sound");
    let Some(stereo) = heard(2, std::slice::from_ref(&both)) else { return };
    for (channel, own, other) in [(&stereo[0], 440.0, 1_000.0), (&stereo[1], 1_000.0, 440.0)] {
        let within = &channel[4_800..43_200];
        assert!((strength(within, own) - 0.5).abs() < 0.01, "{own}: {}", strength(within, own));
        assert!(strength(within, other) < 0.005, "{other} beside {own}: {}", strength(within, other));
    }
    let Some(mono) = heard(1, &[both]) else { return };
    for hertz in [440.0, 1_000.0] {
        assert!((strength(&mono[0][4_800..43_200], hertz) - 0.25).abs() < 0.005, "{hertz} of both");
    }
    let Some(doubled) = heard(2, &[left]) else { return };
    for channel in &doubled {
        assert!((strength(&channel[4_800..43_200], 440.0) - 0.5).abs() < 0.01, "one on both sides");
    }
}

#[test]
fn the_last_sample_is_heard_wherever_the_sound_ends() {
    for samples in [1, 311, 312, 313, 647, 648, 649, 959, 960, 961, 1_272, 1_273, 4_799, 4_800, 48_000] {
        for rate in [48_000, 44_100] {
            let samples = samples * rate as usize / 48_000 + 1;
            let loud: Vec<_> = (0..samples).map(|at| sine(1_000.0, 0.5)(at as f64 / f64::from(rate)) as f32).collect();
            let buffer = AudioBuffer::new(rate, Timestamp::ZERO, vec![loud]).expect("sound");
            let Some(heard) = heard(1, &[buffer]) else { return };
            let end = (samples as f64 * 48_000.0 / f64::from(rate)).round() as usize;
            assert_eq!(heard[0].len(), end.next_multiple_of(960), "{samples} at {rate} Hz");
            // The encoder's lookahead at the beginning is silent; the last millisecond is not.
            if end > 960 {
                let last = loudness(&heard[0][end - 48..end]);
                assert!((last - 0.354).abs() < 0.08, "{samples} at {rate} Hz: {last}");
            }
        }
    }
}

#[test]
fn nothing_in_is_nothing_out_and_what_does_not_fit_is_refused() {
    assert_eq!(encoded(1, &[]).1, []);
    let refused = |result: Result<()>, kind: ErrorKind, text: &str| {
        let error = result.expect_err("an error");
        assert_eq!((error.kind(), error.to_string().as_str()), (&kind, text));
    };
    for (channels, bitrate, text) in [
        (0, 64_000, "expected 1 or 2 channels but found 0"),
        (3, 64_000, "expected 1 or 2 channels but found 3"),
        (1, 5_999, "expected a bitrate of sound from 6000 to 510000 bits a second but found 5999"),
        (2, 510_001, "expected a bitrate of sound from 6000 to 510000 bits a second but found 510001"),
    ] {
        refused(OpusEncoder::new(&OpusConfig::new(channels, bitrate)).map(drop), ErrorKind::Range, text);
    }
    let mut encoder = OpusEncoder::new(&OpusConfig::new(2, 6_000)).expect("an encoder");
    let mut packets = Vec::new();
    let nine = AudioBuffer::silence(RATE, Timestamp::ZERO, 9, 960).expect("sound");
    let text = "expected sound of at most 8 channels but found 9";
    refused(encoder.encode(&nine, &mut packets), ErrorKind::Range, text);
    let late = AudioBuffer::silence(RATE, Timestamp::from_nanos(86_401_000_000_000), 1, 960).expect("sound");
    let text = "expected sound within 86400s of the last at 0s but found it at 86401s";
    refused(encoder.encode(&late, &mut packets), ErrorKind::Range, text);
    encoder.encode(&late.slice(0..0), &mut packets).expect("no sound is no harm");
    encoder.finish(&mut packets).expect("the last packets");
    assert_eq!(packets, []);
    let text = "expected no sound after the end but found some";
    refused(encoder.encode(&nine, &mut packets), ErrorKind::InvalidState, text);
}

#[test]
fn the_header_is_that_of_rfc_7845_and_ffprobe_takes_the_file() {
    for channels in [1, 2] {
        let encoder = OpusEncoder::new(&OpusConfig::new(channels, BITRATE)).expect("an encoder");
        let head = [b"OpusHead\x01".as_slice(), &[channels], &[0, 0], &[0x80, 0xbb, 0, 0], &[0, 0, 0]].concat();
        assert_eq!(encoder.codec_private(), head);
        assert_eq!(encoder.codec_string(), "opus");
        let bench = Bench::new();
        let path = bench.path("sound.webm");
        write(&path, channels, &encoded(channels, &tone_buffers()));
        let mut command = Command::new("ffprobe");
        command.args(["-v", "warning", "-count_frames", "-of", "default=noprint_wrappers=1", "-show_entries"]);
        command.args(["stream=codec_name,sample_rate,channels,start_time,nb_read_frames:format=duration"]).arg(&path);
        if !tools::has("ffprobe") {
            return;
        }
        let ran = run(&mut command, &[]).succeeded();
        assert_eq!(ran.stderr, "");
        let channels = format!("channels={channels}");
        for line in [
            "codec_name=opus",
            "sample_rate=48000",
            &channels,
            "start_time=0.000000",
            "nb_read_frames=125",
            "duration=2.500000",
        ] {
            assert!(ran.stdout.lines().any(|found| found == line), "{line} in {}", ran.stdout);
        }
    }
}

#[test]
fn the_bitrate_is_kept_and_the_same_sound_gives_the_same_packets() {
    let mut state = 1_u32;
    let noise: Vec<_> = (0..RATE * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32 - 0.5
        })
        .collect();
    let noise = AudioBuffer::new(RATE, Timestamp::ZERO, vec![noise.clone(), noise]).expect("sound");
    for bitrate in [16_000, 64_000, 256_000] {
        let packets = || {
            let mut encoder = OpusEncoder::new(&OpusConfig::new(2, bitrate)).expect("an encoder");
            let mut packets = Vec::new();
            encoder.encode(&noise, &mut packets).expect("encoded sound");
            encoder.finish(&mut packets).expect("the last packets");
            packets
        };
        let bits = packets().iter().map(|packet| packet.data.len() * 8).sum::<usize>() as f64 / 3.0;
        assert!((bits / f64::from(bitrate) - 1.0).abs() < 0.15, "{bits} for {bitrate}");
        assert_eq!(packets(), packets());
    }
}

#[test]
fn wav_files_sound_as_ffmpeg_reads_them() {
    let bench = Bench::new();
    if !tools::has("ffmpeg") {
        return;
    }
    for (codec, channels, rate) in [
        ("pcm_u8", 1, 8_000),
        ("pcm_s16le", 2, 44_100),
        ("pcm_s24le", 6, 48_000),
        ("pcm_s32le", 2, 96_000),
        ("pcm_f32le", 8, 11_025),
        ("pcm_s24le", 1, 192_000),
    ] {
        let path = bench.path("a.wav");
        let mut command = Command::new("ffmpeg");
        let waves: Vec<_> = (1..=channels).map(|channel| format!("0.9*sin({channel}*700*t)")).collect();
        let source = format!("aevalsrc={}:d=0.31:s={rate}", waves.join("|"));
        command.args(["-v", "error", "-y", "-f", "lavfi", "-i", &source]);
        // A comment of odd length, which is padded.
        command.args(["-metadata", "comment=abcd", "-c:a", codec]).arg(&path);
        run(&mut command, &[]).succeeded();
        let expected = decoded(&path, channels).expect("ffmpeg is here");
        let mut source = open_audio(&AudioSpec::File(path), None).expect("a WAV file");
        let info = source.info().clone();
        assert_eq!((info.kind, info.rate, info.channels, info.endless), ("wav", rate, channels, false), "{codec}");
        let mut found = vec![Vec::new(); channels];
        while let Some(buffer) = source.next_buffer().expect("sound") {
            assert!(buffer.duration() <= millis(20));
            found.iter_mut().zip(buffer.channels()).for_each(|(found, samples)| found.extend_from_slice(samples));
        }
        assert_eq!(samples_in(info.length.expect("a length"), rate), found[0].len() as u64, "{codec}");
        assert!(found == expected, "{codec} of {channels} channels");
    }
}

#[test]
fn chromium_plays_every_sound_at_its_time() {
    let bench = Bench::new();
    let path = bench.path("tone.webm");
    write(&path, 1, &encoded(1, &tone_buffers()));
    // The element is played from the middle of a packet on, where the hum is already there; what is heard first is
    // sample 0.85 s.
    let script = format!(
        "const loud = (samples, from) => samples.findIndex((sample, at) => at >= from && Math.abs(sample) > {LOUD});
         const context = new AudioContext({{ sampleRate: {RATE} }});
         const bytes = await (await fetch('/tone.webm')).arrayBuffer();
         const decoded = (await context.decodeAudioData(bytes)).getChannelData(0);
         const tap = `registerProcessor('tap', class extends AudioWorkletProcessor {{
           process([[samples]]) {{ if (samples) this.port.postMessage(samples); return true; }}
         }})`;
         await context.audioWorklet.addModule(URL.createObjectURL(new Blob([tap], {{ type: 'text/javascript' }})));
         const element = new Audio('/tone.webm');
         await event(element, 'loadeddata');
         const seeked = event(element, 'seeked');
         element.currentTime = 0.85;
         await seeked;
         const node = new AudioWorkletNode(context, 'tap');
         const played = [];
         const beep = new Promise((resolve) => {{
           node.port.onmessage = ({{ data }}) => {{ played.push(...data); if (loud(played, 0) >= 0) resolve(); }};
         }});
         context.createMediaElementSource(element).connect(node).connect(context.destination);
         await element.play();
         await beep;
         const first = played.findIndex((sample) => Math.abs(sample) > 0.003);
         return {{ length: decoded.length, decoded: [loud(decoded, 40000), loud(decoded, 90000)],
                   played: loud(played, 0) - first, duration: element.duration }};"
    );
    let Some(seen) = judge(&[("tone.webm", &path)], &script) else { return };
    assert_eq!((&seen["length"], &seen["duration"]), (&json!(120_000), &json!(2.5)), "{seen}");
    let number = |value: &serde_json::Value| value.as_u64().expect("a number") as usize;
    assert_near(number(&seen["decoded"][0]), 48_000 + RISE, 3, "the decoded file's first beep");
    assert_near(number(&seen["decoded"][1]), 96_000 + RISE, 3, "the decoded file's second beep");
    assert_near(number(&seen["played"]), 7_200 + RISE, 5, "the played file's beep");
}
