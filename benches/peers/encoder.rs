//! The encoders, with framereel's settings and the equal ones of the peers: 2.5 Mb/s, a key frame every 2 s, no frame of
//! delay where framereel's encoder has none.
//!
//! Measured with the first 132 frames of Big Buck Bunny at 1280x720 (libvpx 1.12 in both, SVT-AV1 1.4.1 in both, libaom
//! 3.11 in framereel and 3.6 in ffmpeg), PSNR and bytes, framereel and then ffmpeg:
//!
//! | encoder | PSNR (dB) | bytes |
//! |---|---|---|
//! | VP8 | 42.32, 42.33 | 1,591,817, 1,592,892 |
//! | VP9 | 43.28, 43.29 | 1,656,131, 1,656,487 |
//! | AV1, aom | 43.98, 43.95 | 1,688,511, 1,631,022 |
//! | AV1, rav1e | 44.41, 44.29 | 1.654 MB, 1.655 MB |
//! | AV1, SVT-AV1 | 41.66, 41.71 | 1,581,339, 1,591,726 |
//!
//! What differs:
//! - Time: framereel counts in 0.1 ms, ffmpeg in 1/25 s, so that the rate control rounds otherwise.
//! - aom: ffmpeg's wrapper has no option for the optimal fill of the buffer and sets 5/6 of it, where framereel sets 600 ms;
//!   and the versions of libaom.
//! - SVT-AV1 gives other packets at every run: up to 0.15 dB and 2 % of the bytes.
//! - rav1e: framereel encodes the segments between key frames side by side when it does not record live; ffmpeg's wrapper
//!   encodes one after the other and has tiles only.

/// Settings for this number of threads.
type Settings = fn(threads: usize) -> String;

pub const BITS: u32 = 2_500_000;

#[derive(Debug)]
pub struct Encoder {
    pub name: &'static str,
    /// framereel's names of the codec and of the encoder.
    pub codec: &'static str,
    pub encoder: &'static str,
    /// ffmpeg's name.
    pub ffmpeg: &'static str,
    settings: Settings,
    /// GStreamer's element with its settings.
    pub gstreamer: Option<(&'static str, Settings)>,
}

pub const ENCODERS: [Encoder; 5] = [
    Encoder {
        name: "VP8",
        codec: "vp8",
        encoder: "vpx",
        ffmpeg: "libvpx",
        settings: vp8,
        gstreamer: Some(("vp8enc", gstreamer_vp8)),
    },
    Encoder {
        name: "VP9",
        codec: "vp9",
        encoder: "vpx",
        ffmpeg: "libvpx-vp9",
        settings: vp9,
        gstreamer: Some(("vp9enc", gstreamer_vp9)),
    },
    Encoder { name: "AV1 aom", codec: "av1", encoder: "aom", ffmpeg: "libaom-av1", settings: aom, gstreamer: None },
    Encoder {
        name: "AV1 rav1e",
        codec: "av1",
        encoder: "rav1e",
        ffmpeg: "librav1e",
        settings: |threads| format!("-speed 10 -tiles 4 -threads {threads} -b:v {BITS}"),
        gstreamer: None,
    },
    Encoder {
        name: "AV1 SVT-AV1",
        codec: "av1",
        encoder: "ffmpeg:libsvtav1",
        ffmpeg: "libsvtav1",
        settings: svt,
        gstreamer: None,
    },
];

impl Encoder {
    /// ffmpeg's options: this encoder with a key frame every `distance` frames.
    pub fn arguments(&self, threads: usize, distance: usize) -> Vec<String> {
        let settings = (self.settings)(threads);
        let all = format!("-c:v {} {settings} -g {distance} -keyint_min {distance} -pix_fmt yuv420p", self.ffmpeg);
        all.split_whitespace().map(str::to_owned).collect()
    }
}

/// The constant bitrate of libvpx and libaom, with buffers of 1000 ms, at first 600 ms full.
fn constant_bitrate() -> String {
    let rate = format!("-b:v {BITS} -minrate {BITS} -maxrate {BITS} -bufsize {BITS}");
    format!("{rate} -rc_init_occupancy {} -qmin 2 -qmax 58 -undershoot-pct 50 -overshoot-pct 50", BITS / 10 * 6)
}

/// One thread, as in framereel; `-slices` are the parts of the coefficients.
fn vp8(_threads: usize) -> String {
    let speed =
        "-deadline realtime -cpu-used -8 -lag-in-frames 0 -auto-alt-ref 0 -static-thresh 0 -noise-sensitivity 0";
    format!("{speed} -slices 4 -threads 1 {}", constant_bitrate())
}

fn vp9(threads: usize) -> String {
    let speed = "-deadline realtime -cpu-used 8 -lag-in-frames 0 -auto-alt-ref 0 -static-thresh 0 -aq-mode 3";
    let tiles = "-row-mt 1 -tile-columns 1 -frame-parallel 0";
    format!("{speed} {tiles} -threads {} {}", threads.max(2), constant_bitrate())
}

/// libaom's 9 is beyond what ffmpeg's own option takes.
fn aom(threads: usize) -> String {
    let speed = "-usage realtime -cpu-used 8 -lag-in-frames 0 -aq-mode 3 -row-mt 1 -tile-columns 1";
    let costs = "coeff-cost-upd-freq=3:mode-cost-upd-freq=3:mv-cost-upd-freq=3";
    let tools = "enable-order-hint=0:enable-obmc=0:enable-warped-motion=0:enable-global-motion=0:enable-tpl-model=0";
    let parameters = format!("cpu-used=9:{costs}:{tools}:deltaq-mode=0");
    format!("{speed} -aom-params {parameters} -threads {} {}", threads.max(2), constant_bitrate())
}

/// What framereel gives the ffmpeg program that it starts.
fn svt(threads: usize) -> String {
    let parameters = format!("pred-struct=1:lookahead=0:scd=0:lp={threads}:rc=2");
    format!("-preset 12 -bf 0 -svtav1-params {parameters} -threads {threads} -b:v {BITS}")
}

/// GStreamer's names of libvpx's settings, without those that are its defaults.
fn gstreamer_vpx() -> String {
    let rate =
        format!("target-bitrate={BITS} end-usage=cbr min-quantizer=2 max-quantizer=58 undershoot=50 overshoot=50");
    let buffer = "buffer-size=1000 buffer-initial-size=600 buffer-optimal-size=833 dropframe-threshold=0";
    format!("deadline=1 lag-in-frames=0 auto-alt-ref=false static-threshold=0 {rate} {buffer}")
}

fn gstreamer_vp8(_threads: usize) -> String {
    format!("{} cpu-used=-8 threads=1 token-partitions=4", gstreamer_vpx())
}

fn gstreamer_vp9(threads: usize) -> String {
    let tiles = "row-mt=true tile-columns=1 frame-parallel-decoding=false aq-mode=cyclic-refresh";
    format!("{} cpu-used=8 threads={} {tiles}", gstreamer_vpx(), threads.max(2))
}
