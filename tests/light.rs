//! Film of high dynamic range: its light becomes that of a recording. Judged by the recommendations' formulas in double
//! precision, by libplacebo and by zimg, both through the `ffmpeg` program.

mod support {
    pub mod light_reference;
    pub mod program;
    pub mod tools;
}

use std::path::{Path, PathBuf};
use std::process::Command;

use framereel::canvas::Capture;
use framereel::color::{ColorSpace, Matrix, Primaries, ToneMap, Transfer};
use framereel::filter::FilterChain;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::source::{SourceOptions, SourceSpec, open};
use framereel::time::Timestamp;
use support::light_reference::{Rgb, compressed, hlg, of_ten_bits, pq, pq_inverse, ten_bits, to_bt709, to_sdr};
use support::program::Bench;
use support::tools;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");
/// A ramp of grey, and below it 512 colours of 8×4 pixels each.
const CHART: Size = Size::new(512, 48);
const BT2020: ColorSpace = ColorSpace { matrix: Matrix::Bt2020, primaries: Primaries::Bt2020, ..ColorSpace::RECORDED };

/// The chart's pixels as code values of 10 bits; R'G'B' goes up to `most`.
fn chart(most: f64) -> Vec<[u16; 3]> {
    let color = |x: u32, y: u32| -> Rgb {
        if y < 16 {
            return [f64::from(x) / f64::from(CHART.width - 1); 3];
        }
        let index = (y - 16) / 4 * 64 + x / 8;
        [index / 64, index / 8 % 8, index % 8].map(|level| most * f64::from(level) / 7.0)
    };
    let pixels = (0..CHART.height).flat_map(|y| (0..CHART.width).map(move |x| (x, y)));
    pixels.map(|(x, y)| ten_bits(color(x, y).map(|code| code.min(most)))).collect()
}

/// Planes of 4:4:4, least significant byte first.
fn planes(pixels: &[[u16; 3]]) -> Vec<u8> {
    (0..3).flat_map(|plane| pixels.iter().flat_map(move |yuv| yuv[plane].to_le_bytes())).collect()
}

fn frame(pixels: &[[u16; 3]], color: ColorSpace) -> Frame {
    Frame::packed(PixelFormat::I444P10, CHART, color, planes(pixels))
}

/// The colours of a canvas on which the frame is drawn.
fn shown(gpu: &Gpu, frame: &Frame) -> Vec<Rgb> {
    let mut capture = Capture::new(gpu, &FilterChain::default(), frame.size(), PixelFormat::Rgba8);
    capture.submit(frame, Timestamp::ZERO).unwrap();
    let picture = capture.take().unwrap().expect("the picture that was submitted");
    picture.data().chunks_exact(4).map(|pixel| [0, 1, 2].map(|index| f64::from(pixel[index]))).collect()
}

/// The mean and the greatest difference of components.
fn apart(a: &[Rgb], b: &[Rgb]) -> (f64, f64) {
    assert_eq!(a.len(), b.len());
    let apart: Vec<f64> = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).collect();
    (apart.iter().sum::<f64>() / apart.len() as f64, apart.iter().copied().fold(0.0, f64::max))
}

#[test]
fn pq_and_hlg_are_compressed_as_the_recommendations_say() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    for (transfer, peak) in [
        (Transfer::Pq, 1000),
        (Transfer::Pq, 4000),
        (Transfer::Pq, 203),
        (Transfer::Pq, 400),
        (Transfer::Pq, 10_000),
        (Transfer::Hlg, 1000),
    ] {
        // Colours are not brighter than the film says: beyond, there is no right answer for their hue.
        let most = match (transfer, peak) {
            (Transfer::Pq, 203) => 0.7,
            (Transfer::Pq, _) => pq_inverse(f64::from(peak)),
            _ => 1.0,
        };
        let pixels = chart(most);
        let found = shown(&gpu, &frame(&pixels, ColorSpace { transfer, peak, ..BT2020 }));
        let light = |code: Rgb| if transfer == Transfer::Pq { code.map(pq) } else { hlg(code) };
        let expected: Vec<Rgb> = pixels.iter().map(|yuv| to_sdr(light(of_ten_bits(*yuv)), f64::from(peak))).collect();
        // With a peak of white there is nothing to compress: grey is enough, and what is brighter than the film says is white.
        let all = if peak == 203 { 16 * CHART.width as usize } else { pixels.len() };
        let (mean, most) = apart(&found[..all], &expected[..all]);
        eprintln!("{transfer:?} {peak}: {mean:.3} {most:.3}");
        // Half a step is rounding.
        assert!(most < 0.8 && mean < 0.27, "{transfer:?} with {peak} cd/m²: {mean:.3}, at most {most:.3} of 255");
    }
}

#[test]
fn every_layout_and_depth_of_the_same_film_shows_the_same() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    // Of one colour, chroma's place does not matter.
    let size = Size::new(10, 6);
    for color in [
        ColorSpace { transfer: Transfer::Hlg, ..BT2020 },
        ColorSpace { transfer: Transfer::Pq, ..BT2020 },
        ColorSpace { primaries: Primaries::DisplayP3, ..ColorSpace::RECORDED },
        ColorSpace { transfer: Transfer::Pq, tone_map: ToneMap::None, ..BT2020 },
        ColorSpace::RECORDED,
    ] {
        for yuv in [[75_u16, 120, 140], [130, 110, 119], [180, 128, 128]] {
            let filled = |format: PixelFormat| {
                let samples = |plane: usize| {
                    let (row, rows) = format.plane_size(plane, size);
                    let code = yuv[plane] << (format.bits() - 8);
                    let sample = if format.bits() > 8 { code.to_le_bytes().to_vec() } else { vec![code as u8] };
                    sample.repeat(row * rows / sample.len())
                };
                Frame::packed(format, size, color, (0..3).flat_map(samples).collect())
            };
            let model = shown(&gpu, &filled(PixelFormat::I420));
            for format in [
                PixelFormat::I422,
                PixelFormat::I444,
                PixelFormat::I420P10,
                PixelFormat::I422P10,
                PixelFormat::I444P10,
                PixelFormat::I420P12,
                PixelFormat::I422P12,
                PixelFormat::I444P12,
            ] {
                let (_, most) = apart(&shown(&gpu, &filled(format)), &model);
                assert!(most <= 1.0, "{format:?} of {color:?}: {most}");
            }
        }
    }
}

/// Runs ffmpeg with these arguments; false where it failed, with its messages on standard error.
fn ffmpeg(arguments: &[&str], paths: [&Path; 2]) -> bool {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]);
    if arguments.iter().any(|argument| argument.contains("libplacebo")) {
        command.args(["-init_hw_device", "vulkan=vk", "-filter_hw_device", "vk"]);
    }
    if paths[0].extension().is_some_and(|extension| extension == "yuv") {
        command.args(["-f", "rawvideo", "-pix_fmt", "yuv444p10le", "-r", "25", "-s", &CHART.to_string()]);
    }
    command.arg("-i").arg(paths[0]).args(arguments).arg(paths[1]);
    command.status().expect("ffmpeg").success()
}

/// Whether ffmpeg has this filter with this option; newer versions of it name those of libplacebo in another way.
fn has_filter(filter: &str, option: &str) -> bool {
    if !tools::has("ffmpeg") {
        return false;
    }
    let help = Command::new("ffmpeg").args(["-v", "error", "-h", &format!("filter={filter}")]).output();
    let found = String::from_utf8_lossy(&help.expect("ffmpeg").stdout).contains(option);
    if !found {
        eprintln!("skipped: this ffmpeg has no {option} of {filter}");
    }
    found
}

/// libplacebo's BT.2390 on the brightest component, with what else it does switched off: its own detection of peaks,
/// crosstalk, dither. Light comes out linear, because it would subtract the black of a display from codes; that the
/// black of such a display, 0.203 cd/m², does not lift the film's, the film says that its own black is the same.
const LIBPLACEBO: &str = "hwupload,libplacebo=tonemapping=bt.2390:tonemapping_param=0.5:tonemapping_mode=max:\
    tonemapping_crosstalk=0:tonemapping_lut_size=1024:peak_detect=0:gamut_mode=desaturate:colorspace=gbr:\
    color_primaries=bt709:color_trc=linear:range=pc:dithering=none:format=rgba64le,hwdownload,format=rgba64le";
/// That display's black as a code: 0.203 of 203 cd/m².
const BLACK: f64 = 14.339;

/// By how much libplacebo lifts the codes of HLG: β of BT.2100, table 5, for a display of this black. Its films are
/// lowered before by as much.
fn hlg_lift() -> f64 {
    (3.0 * (0.203_f64 / 1000.0).powf(1.0 / 1.2)).sqrt()
}

/// A film without loss, with this peak, and a black of 0.203 cd/m².
fn encoded(bench: &Bench, name: &str, pixels: &[[u16; 3]], transfer: &str, peak: u16) -> PathBuf {
    let raw = bench.write(&format!("{name}.yuv"), planes(pixels));
    let film = bench.path(&format!("{name}.mp4"));
    assert!(ffmpeg(&mastered(transfer, peak).iter().map(String::as_str).collect::<Vec<_>>(), [&raw, &film]));
    film
}

/// The arguments for such a film.
fn mastered(transfer: &str, peak: u16) -> Vec<String> {
    let display = "G(39850,39850)B(6550,2300)R(35400,14600)WP(15635,16450)";
    let light = format!("master-display={display}L({peak}0000,2030):max-cll={peak},400");
    let mut arguments: Vec<String> = vec![
        "-c:v".into(),
        "libx265".into(),
        "-x265-params".into(),
        format!("log-level=error:lossless=1:hdr10=1:{light}"),
    ];
    arguments.extend(
        ["-color_primaries", "bt2020", "-colorspace", "bt2020nc", "-color_range", "tv", "-color_trc", transfer]
            .map(str::to_owned),
    );
    arguments
}

/// What libplacebo makes of a film's first frame, as codes of 0 to 255.
fn by_libplacebo(bench: &Bench, film: &Path) -> Vec<Rgb> {
    let raw = bench.path("libplacebo.raw");
    assert!(ffmpeg(&["-frames:v", "1", "-vf", LIBPLACEBO, "-f", "rawvideo"], [film, &raw]));
    let bytes = std::fs::read(raw).unwrap();
    let value = |pixel: &[u8], index: usize| f64::from(u16::from_le_bytes([pixel[2 * index], pixel[2 * index + 1]]));
    let encoded = |value: f64| 255.0 * (value / 65535.0).powf(1.0 / 2.4);
    bytes.chunks_exact(8).map(|pixel| [0, 1, 2].map(|index| encoded(value(pixel, index)))).collect()
}

fn first_frame(film: &Path) -> Frame {
    let mut source = open(&SourceSpec::File(film.to_owned()), &SourceOptions::default()).unwrap();
    source.next_frame().unwrap().unwrap()
}

#[test]
fn libplacebo_makes_the_same_of_a_chart_in_pq_and_in_hlg() {
    if !has_filter("libplacebo", "tonemapping_mode") {
        return;
    }
    let bench = Bench::new();
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    // Light is not to be beyond the peak: libplacebo clips components one by one.
    for (transfer, peak, most) in [("smpte2084", 1000, 0.749), ("smpte2084", 4000, 0.9), ("arib-std-b67", 1000, 1.0)] {
        let is_pq = transfer == "smpte2084";
        let pixels = chart(most);
        let film = encoded(&bench, "film", &pixels, transfer, peak);
        let found = first_frame(&film);
        assert_eq!((found.format(), found.size()), (PixelFormat::I444P10, CHART));
        assert!(found.data() == planes(&pixels), "code values are not changed");
        let expected = if is_pq { (Transfer::Pq, peak) } else { (Transfer::Hlg, ColorSpace::USUAL_PEAK) };
        assert_eq!((found.color.transfer, found.color.peak), expected);
        let found = shown(&gpu, &found);
        let lowered = |code: f64| if is_pq { code } else { (code - hlg_lift()) / (1.0 - hlg_lift()) };
        let lowered: Vec<_> = pixels.iter().map(|yuv| ten_bits(of_ten_bits(*yuv).map(lowered))).collect();
        let theirs = by_libplacebo(&bench, &encoded(&bench, "lowered", &lowered, transfer, peak));
        // Light below the black of its display is that black.
        let seen = |all: &[Rgb]| all.iter().map(|rgb| rgb.map(|code| code.max(BLACK))).collect::<Vec<_>>();
        let (found, theirs) = (seen(&found), seen(&theirs));
        let (mean, most) = apart(&found, &theirs);
        let beyond =
            found.iter().flatten().zip(theirs.iter().flatten()).filter(|(a, b)| (**a - **b).abs() > 2.0).count();
        let beyond = beyond as f64 / (3 * pixels.len()) as f64;
        eprintln!("{transfer} {peak}: {mean:.3} at most {most:.3}; {:.1} % beyond 2", 100.0 * beyond);
        // Next to the borders of BT.709, where both take saturation away, black counts in how much.
        assert!(mean < 0.5 && beyond < 0.02, "{transfer} {peak}: {mean:.3}, {beyond:.3} beyond 2 of 255");
    }
}

#[test]
fn libplacebo_makes_the_same_of_film() {
    if !(has_filter("libplacebo", "tonemapping_mode") && has_filter("zscale", "npl")) {
        return;
    }
    let bench = Bench::new();
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    for (transfer, peak, pix_fmt) in
        [("smpte2084", 1000, "yuv444p10le"), ("smpte2084", 600, "yuv420p10le"), ("arib-std-b67", 1000, "yuv420p10le")]
    {
        // The clip's white becomes light of this peak.
        let zscale = format!(
            "zscale=rin=limited:min=709:tin=709:pin=709:r=limited:m=2020_ncl:t={transfer}:p=2020:npl={peak},format={pix_fmt}"
        );
        let film = |name: &str, filter: &str| {
            let film = bench.path(name);
            let mut arguments: Vec<String> = ["-frames:v", "1", "-an", "-vf", filter].map(str::to_owned).to_vec();
            arguments.extend(mastered(transfer, peak));
            assert!(ffmpeg(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), [Path::new(CLIP), &film]));
            film
        };
        let lowered = if transfer == "smpte2084" {
            zscale.clone()
        } else {
            let (black, scale) = (64.0 + 876.0 * hlg_lift(), 1.0 - hlg_lift());
            let chroma = format!("(val-512)/{scale}+512");
            format!("{zscale},lutyuv=y='(val-{black})/{scale}+64':u='{chroma}':v='{chroma}'")
        };
        let found = shown(&gpu, &first_frame(&film("film.mp4", &zscale)));
        let (mean, _) = apart(&found, &by_libplacebo(&bench, &film("lowered.mp4", &lowered)));
        eprintln!("{transfer} {peak} {pix_fmt}: {mean:.3}");
        assert!(mean < 2.0, "{transfer} {peak} {pix_fmt}: {mean:.3} of 255");
    }
}

#[test]
fn zimg_clips_pq_and_converts_primaries_alike() {
    if !has_filter("zscale", "npl") {
        return;
    }
    let bench = Bench::new();
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    // Colours that BT.709 can show: beyond, zimg clips, and we take saturation away.
    let all = chart(0.6);
    let pq_color = ColorSpace { transfer: Transfer::Pq, tone_map: ToneMap::Clip, ..BT2020 };
    let p3_color = ColorSpace { primaries: Primaries::DisplayP3, ..ColorSpace::RECORDED };
    for (color, input) in [
        (pq_color, "tin=smpte2084:min=2020_ncl:pin=2020:p=2020"),
        (p3_color, "tin=709:min=709:pin=smpte432:p=smpte432"),
    ] {
        let raw = bench.write("chart.yuv", planes(&all));
        let out = bench.path("zimg.raw");
        let filter = format!(
            "zscale=rin=limited:{input}:t=linear:m=gbr:r=full:npl=203,format=gbrpf32le,\
             zscale={}:tin=linear:t=linear:min=gbr:m=gbr:p=709,format=gbrpf32le",
            input.split(':').find(|option| option.starts_with("pin")).unwrap_or_default()
        );
        assert!(ffmpeg(&["-vf", &filter, "-f", "rawvideo"], [&raw, &out]));
        let values: Vec<f64> = std::fs::read(&out)
            .unwrap()
            .chunks_exact(4)
            .map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())))
            .collect();
        let pixels = CHART.pixels() as usize;
        // Planes come as G, B, R.
        let light: Vec<Rgb> = (0..pixels).map(|at| [2, 0, 1].map(|plane| values[plane * pixels + at])).collect();
        let found = shown(&gpu, &frame(&all, color));
        let seen: Vec<usize> = (0..pixels).filter(|&at| light[at].iter().all(|x| (0.0..=1.0).contains(x))).collect();
        assert!(seen.len() > pixels / 5, "{} of {pixels}", seen.len());
        let codes: Vec<Rgb> = seen.iter().map(|&at| light[at].map(|x| 255.0 * x.powf(1.0 / 2.4))).collect();
        let found: Vec<Rgb> = seen.iter().map(|&at| found[at]).collect();
        let (mean, most) = apart(&found, &codes);
        eprintln!("{input}: {mean:.3} at most {most:.3} of {}", seen.len());
        assert!(mean < 0.5 && most < 1.5, "{input}: {mean:.3}, at most {most:.3} of 255");
    }
}

#[test]
fn colours_that_bt709_cannot_show_keep_their_luminance_and_their_hue() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let pixels = chart(0.7518);
    let found = shown(&gpu, &frame(&pixels, ColorSpace { transfer: Transfer::Pq, ..BT2020 }));
    let mut beyond = 0;
    for (found, yuv) in found.iter().zip(&pixels) {
        let wanted = to_bt709(compressed(of_ten_bits(*yuv).map(pq), 1000.0).map(|x| x / 203.0));
        if wanted.iter().all(|x| (-0.02..=1.0).contains(x)) {
            continue;
        }
        beyond += 1;
        let light = found.map(|code| (code / 255.0).powf(2.4));
        let luminance = |rgb: Rgb| 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
        assert!((luminance(light) - luminance(wanted)).abs() < 0.01, "{wanted:?} became {light:?}");
        // The order of the components, which is the hue's, stays.
        for (a, b) in [(0, 1), (1, 2), (2, 0)] {
            assert!(wanted[a] < wanted[b] || light[a] >= light[b] - 0.01, "{wanted:?} became {light:?}");
        }
    }
    assert!(beyond > 1000, "{beyond} pixels");
}

#[test]
fn ten_bits_give_more_steps_than_eight() {
    let gpu = Gpu::new().expect("an adapter: `make test` installs one");
    let chain: FilterChain = "contrast(8)".parse().unwrap();
    let size = Size::new(256, 2);
    // From 112 to 143, around the middle grey that contrast leaves alone.
    let steps = |format: PixelFormat| {
        let sample = |x: u32| {
            let code = (112 * 8 + x) >> (11 - format.bits());
            if format.bits() > 8 { (code as u16).to_le_bytes().to_vec() } else { vec![code as u8] }
        };
        let mut data: Vec<u8> = (0..2).flat_map(|_| (0..size.width).flat_map(sample)).collect();
        let grey = if format.bits() > 8 { 512_u16.to_le_bytes().to_vec() } else { vec![128] };
        data.extend(grey.iter().cycle().take(Frame::packed_len(format, size) - data.len()));
        let mut capture = Capture::new(&gpu, &chain, size, PixelFormat::Rgba8);
        capture.submit(&Frame::packed(format, size, ColorSpace::RECORDED, data), Timestamp::ZERO).unwrap();
        let picture = capture.take().unwrap().expect("the picture that was submitted");
        let mut values: Vec<u8> = picture.data().chunks_exact(4).map(|pixel| pixel[1]).collect();
        values.sort_unstable();
        values.dedup();
        values.len()
    };
    let (eight, ten) = (steps(PixelFormat::I444), steps(PixelFormat::I444P10));
    assert!(eight <= 32 && ten > 3 * eight, "{eight} and {ten} steps");
}

#[test]
fn the_program_says_what_it_does_to_film_of_high_dynamic_range() {
    if !tools::has("ffmpeg") {
        return;
    }
    let bench = Bench::new();
    let hlg = ["-frames:v", "2", "-an", "-vf", "scale=64:48", "-pix_fmt", "yuv420p10le", "-c:v", "libx265"];
    let tags = ["-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc"];
    let film = bench.path("hlg.mp4");
    let quiet = ["-x265-params", "log-level=error"];
    assert!(ffmpeg(&[&hlg[..], &tags, &quiet].concat(), [Path::new(CLIP), &film]));
    let said = |arguments: &[&str]| {
        let ran = bench.run([&["still", "hlg.mp4", "--force"], arguments].concat()).succeeded();
        (ran.stderr, std::fs::read(bench.path("hlg.png")).unwrap())
    };
    let (usual, mapped) = said(&[]);
    assert_eq!(usual, "hlg.mp4: HLG, brought to standard dynamic range by --tone-map bt2390\n");
    let (flat, unmapped) = said(&["--tone-map", "none"]);
    assert_eq!(flat, "hlg.mp4: HLG, with its code values as they are, by --tone-map none\n");
    assert!(mapped != unmapped);
    let refused = bench.run(["still", "hlg.mp4", "--force", "--tone-map", "hable"]);
    assert!(refused.stderr.contains("expected bt2390, clip or none but found `hable`"), "{}", refused.stderr);
}
