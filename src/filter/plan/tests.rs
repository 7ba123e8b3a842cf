use super::numbers::{BLUR_PARAMS, blur_params};
use super::planner::fit;
use super::*;
use crate::color::Siting;
use crate::frame::{BitDepth, PixelFormat, Rect};

const HD: Size = Size::new(1280, 720);
/// Film of 8 bits whose planes are always converted to colours.
const FILM: SourcePicture = SourcePicture { pixels: SourcePixels::Bytes(PixelFormat::Nv12), size: HD };
const RECORDED: SourcePicture = SourcePicture { pixels: SourcePixels::Recorded, size: HD };
const EIGHT: PassOutput = PassOutput::I420 { depth: BitDepth::Eight };
const TEN: PassOutput = PassOutput::I420 { depth: BitDepth::Ten };

fn passes(chain: &str, size: Size) -> Vec<Pass> {
    plan(&chain.parse().unwrap(), FILM, size, EIGHT).passes
}

#[test]
fn a_run_of_pointwise_filters_is_one_pass_with_unpack_and_pack() {
    let passes = passes("sepia(1) contrast(1.2) saturate(1.4) hue-rotate(20deg) vignette(0.4)", HD);
    assert_eq!(passes.len(), 1);
    assert_eq!((passes[0].input, passes[0].output), (PassInput::Source(FILM.pixels), EIGHT));
    assert!(passes[0].opaque);
    assert_eq!(passes[0].points.len(), 5);
}

#[test]
fn matrices_multiply_only_where_no_clamp_can_act_between_them() {
    let points = |chain| passes(chain, HD)[0].points.len();
    assert_eq!(points("grayscale(1) sepia(1)"), 1);
    assert_eq!(points("sepia(1) grayscale(1)"), 2);
    assert_eq!(points("invert(1) opacity(0.5) contrast(0.5) sepia(1)"), 1);
    assert_eq!(points("brightness(1) saturate(1) sepia(0)"), 0);
}

#[test]
fn a_blur_ends_the_pass_before_it_and_takes_the_points_after_it() {
    let passes = passes("sepia(1) blur(2px) contrast(1.2) vignette(0.4)", HD);
    let stages: Vec<_> = passes.iter().map(|pass| (pass.stage.clone(), pass.points.len(), pass.opaque)).collect();
    assert_eq!(
        stages,
        [
            (Stage::Copy, 1, true),
            (Stage::Blur { kernel: BlurKernel::Boxes([4, 4, 5]), shift: 0.0 }, 0, false),
            (Stage::Blur { kernel: BlurKernel::Boxes([4, 4, 5]), shift: 0.0 }, 2, false)
        ]
    );
}

#[test]
fn the_picture_between_the_two_directions_of_a_blur_is_transposed() {
    let extents = |chain| passes(chain, HD).iter().map(|pass| pass.to).collect::<Vec<_>>();
    let (upright, transposed) = (Extent::of(HD), Extent { size: Size::new(HD.height, HD.width), margin: 0 });
    assert_eq!(extents("blur(2px)"), [upright, transposed, upright]);
    let wide = |extent| Extent { margin: 9, ..extent };
    assert_eq!(extents("blur(2px) blur(3px)"), [upright, wide(transposed), wide(upright), wide(transposed), upright]);
}

#[test]
fn textures_alternate_and_no_pass_writes_what_it_reads() {
    for chain in [
        "blur(1px) blur(2px) sepia(1) blur(30px) blur(1px)",
        "blur(900px)",
        "blur(5px) blur(5px)",
        "drop-shadow(3px 3px 2px blue) blur(2px) drop-shadow(1px 1px 9px red) hue-rotate(90deg)",
    ] {
        let plan = plan(&chain.parse().unwrap(), FILM, Size::new(640, 480), PassOutput::Rgba8);
        let mut written = None;
        for pass in &plan.passes {
            if let PassInput::Texture(texture) = pass.input {
                assert_eq!(Some(texture), written, "each pass goes on where the last one ended");
                assert_eq!(plan.textures[texture].size, pass.from.texels());
            }
            if let PassOutput::Texture { index: texture, precision } = pass.output {
                assert_ne!(pass.input, PassInput::Texture(texture));
                assert!(pass.original.is_none_or(|(original, _)| original != texture), "{chain}");
                assert_ne!(pass.previous, Some(texture), "{chain}");
                assert_eq!(plan.textures[texture], PlannedTexture { size: pass.to.texels(), precision });
                written = Some(texture);
            }
        }
        assert!(plan.textures.len() <= 20, "{chain}: {:?}", plan.textures);
        assert_eq!(plan.passes.last().unwrap().to, Extent::of(Size::new(640, 480)));
        assert_eq!(plan.passes.last().unwrap().output, PassOutput::Rgba8);
    }
}

#[test]
fn a_blur_keeps_what_it_spreads_beyond_the_borders_as_far_as_a_later_one_reaches() {
    let margins = |chain| passes(chain, HD).iter().map(|pass| pass.to.margin).collect::<Vec<_>>();
    assert_eq!(margins("blur(2px)"), [0, 0, 0]);
    // blur(3px) is three boxes of 6, 6 and 7 pixels.
    assert_eq!(margins("blur(2px) sepia(1) blur(3px)"), [0, 9, 9, 9, 0]);
    assert_eq!(margins("blur(2px) blur(3px) edge=clamp"), [0, 0, 0, 0, 0]);
    assert_eq!(margins("blur(2px) drop-shadow(-20px 5px 0 red)")[1..3], [21, 21]);
}

#[test]
fn a_blurs_reach_is_bounded_however_wide_it_is() {
    for tenth in 1..10_000 {
        let sigma = tenth as f32 / 10.0;
        for pass in passes(&format!("blur({sigma}px)"), HD) {
            if let Stage::Blur { kernel, shift, .. } = pass.stage {
                let taps = Taps::new(kernel, shift).weights.len();
                // Eight neighbours are made at once; the first two vectors hold no weights.
                let reads = taps + 7;
                assert!(reads <= 4 * (BLUR_PARAMS - 2), "blur({sigma}px) reads {reads} pixels with {kernel}");
            }
        }
    }
}

#[test]
fn a_blurs_weights_are_the_specifications_boxes_moved_by_its_shift() {
    let Taps { first, weights } = Taps::new(BlurKernel::new(2.0), 0.0);
    // Boxes of 4, 4 and 5 pixels: 80 ways to fall, counted by hand.
    let ways: Vec<_> = weights.iter().map(|weight| (weight * 80.0).round() as i32).collect();
    assert_eq!((first, ways), (-5, vec![1, 3, 6, 10, 13, 14, 13, 10, 6, 3, 1]));
    for (sigma, shift) in [(0.7, 0.0), (1.9, 3.0), (2.0, -2.5), (3.5, 0.25), (4.0, -100.75)] {
        let kernel = BlurKernel::new(sigma);
        let Taps { first, weights } = Taps::new(kernel, shift);
        let mean: f32 = weights.iter().zip(first..).map(|(weight, t)| weight * t as f32).sum();
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!((mean + shift).abs() < 1e-4, "{sigma} moved by {shift}: its middle lies at {mean}");
        let moved = |t: i32| (t as f32 - mean).powi(2);
        let variance: f32 = weights.iter().zip(first..).map(|(weight, t)| weight * moved(t)).sum();
        let rest = shift - shift.floor();
        assert!((variance - kernel.variance() - rest * (1.0 - rest)).abs() < 0.05, "{sigma}: a variance of {variance}");
        assert_eq!(blur_params(kernel, shift).len(), BLUR_PARAMS);
    }
}

#[test]
fn another_shape_is_fitted_in_whole_with_nothing_around_it() {
    let letterboxed = passes("none", Size::new(640, 480));
    assert_eq!(letterboxed.last().unwrap().stage, Stage::Resample { axis: Axis::Y, begin: 60, length: 360 });
    assert!(!letterboxed.last().unwrap().opaque);
    let scaled = passes("none", Size::new(640, 360));
    assert!(scaled.last().unwrap().opaque);
    assert_eq!(fit(Size::new(1, 4000), Size::new(16, 16)), Size::new(1, 16));
}

fn layer(chain: &str, from: Size, to: Rect) -> Plan {
    let source = SourcePicture { pixels: SourcePixels::Bytes(PixelFormat::I420), size: from };
    let place = LayerPlace::at(from, Rect::whole(from), to).unwrap();
    plan_layer(&chain.parse().unwrap(), source, HD, place)
}

#[test]
fn a_layer_has_the_pixels_of_its_place_that_are_seen_and_as_many_around_as_its_filters_reach() {
    let extent = |plan: &Plan| (plan.origin, plan.passes.last().unwrap().to);
    let small = layer("none", HD, Rect::new(900.5, 500.0, 320.0, 180.0));
    assert_eq!(extent(&small), ([900, 500], Extent::of(Size::new(321, 180))));
    let beyond = layer("none", HD, Rect::new(-100.0, 700.0, 320.0, 180.0));
    assert_eq!(extent(&beyond), ([0, 700], Extent::of(Size::new(220, 20))));
    // blur(3px) is three boxes of 6, 6 and 7 pixels: it reaches 9 pixels, here beyond the canvas and beyond the place.
    let blurred = layer("blur(3px) sepia(1)", HD, Rect::new(-100.0, 700.0, 320.0, 180.0));
    assert_eq!(extent(&blurred), ([-18, 691], Extent { size: Size::new(229, 29), margin: 9 }));
    assert_eq!(layer("none", HD, Rect::new(1280.0, 0.0, 320.0, 180.0)), Plan::default());
}

#[test]
fn a_layer_of_its_own_size_is_one_pass_and_film_that_lies_over_all_hides_what_is_below() {
    let small = Size::new(320, 180);
    assert_eq!(layer("sepia(1)", small, Rect::new(10.0, 20.0, 320.0, 180.0)).passes.len(), 1);
    assert!(layer("sepia(1)", small, Rect::whole(HD)).covers(HD));
    assert!(layer("none", small, Rect::new(-1.0, -2.0, 1300.0, 800.0)).covers(HD));
    for (chain, to) in [
        ("opacity(0.5)", Rect::whole(HD)),
        ("blur(2px)", Rect::whole(HD)),
        ("none", Rect::new(0.5, 0.0, 1280.0, 720.0)),
        ("none", Rect::new(0.0, 0.0, 1280.0, 719.0)),
    ] {
        assert!(!layer(chain, small, to).covers(HD), "{chain} {to:?}");
    }
}

#[test]
fn pictures_that_do_not_fit_into_a_buffer_on_every_adapter_are_half_floats() {
    let precisions = |size| {
        let film = SourcePicture { size, ..FILM };
        let plan = plan(&"blur(2px)".parse().unwrap(), film, size, EIGHT);
        plan.textures.iter().map(|texture| texture.precision).collect::<Vec<_>>()
    };
    assert_eq!(precisions(Size::new(7680, 4320)), [Precision::Byte; 2]);
    // Transposed, its rows are padded to 4416 pixels.
    assert_eq!(precisions(Size::new(7680, 4368)), [Precision::Byte, Precision::Half]);
}

#[test]
fn textures_have_8_bits_where_means_are_taken_of_film_of_8_bits() {
    let precisions = |chain: &str, format, output| {
        let source = SourcePicture { pixels: SourcePixels::Bytes(format), size: HD };
        let plan = plan(&chain.parse().unwrap(), source, HD, output);
        plan.passes
            .iter()
            .filter_map(|pass| match pass.output {
                PassOutput::Texture { precision, .. } => Some(precision),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    use Precision::{Byte, Half};
    assert_eq!(precisions("blur(2px)", PixelFormat::Nv12, EIGHT), [Byte, Byte]);
    assert_eq!(precisions("blur(16px)", PixelFormat::Nv12, PassOutput::Rgba8), [Byte, Byte, Byte, Half]);
    // The shadow is averaged, the picture on it is not.
    assert_eq!(precisions("drop-shadow(1px 1px 2px)", PixelFormat::Nv12, EIGHT), [Half, Byte]);
    assert_eq!(precisions("edge(1)", PixelFormat::Nv12, EIGHT), [Half]);
    // A mean of few pixels does not make up for their rounding.
    assert_eq!(precisions("blur(1px)", PixelFormat::Nv12, EIGHT), [Half, Half]);
    assert_eq!(precisions("blur(2px)", PixelFormat::I420P10, EIGHT), [Half, Half]);
    assert_eq!(precisions("blur(2px)", PixelFormat::Nv12, TEN), [Half, Half]);
}

/// What each pass works on: luma, chroma or colours.
fn kinds(chain: &str, source: SourcePicture, output: PassOutput) -> Vec<String> {
    let plan = plan(&chain.parse().unwrap(), source, source.size, output);
    plan.passes.iter().map(|pass| pass.planes.map_or("colours".to_owned(), |planes| format!("{planes:?}"))).collect()
}

#[test]
fn planes_of_film_are_blurred_and_reflected_without_colours() {
    let planes = ["Luma", "Chroma"];
    for chain in ["blur(1px)", "blur(4px)", "blur(2px) edge=clamp", "blur(2px) blur(3px) edge=clamp"] {
        let found = kinds(chain, RECORDED, EIGHT);
        assert_eq!(found, planes.repeat(found.len() / 2), "{chain}");
    }
    for chain in ["flip()", "flip(both)", "mirror(top)", "flip() mirror() flip(vertical)"] {
        let plan = plan(&chain.parse().unwrap(), RECORDED, HD, EIGHT);
        assert_eq!(kinds(chain, RECORDED, EIGHT), planes.repeat(chain.matches('(').count()), "{chain}");
        let (before, last) = plan.passes.split_at(plan.passes.len() - 2);
        assert!(last.iter().all(|pass| pass.output == EIGHT), "{chain}");
        assert!(before.iter().all(|pass| matches!(pass.output, PassOutput::Planes(_))), "{chain}");
        // No pass writes what it reads.
        assert!(plan.passes.iter().all(|pass| match (pass.input, pass.output) {
            (PassInput::Planes(read), PassOutput::Planes(written)) => read != written,
            _ => true,
        }));
    }
    // Colours follow, then they read the planes.
    assert_eq!(kinds("flip() invert(1)", RECORDED, EIGHT), ["Luma", "Chroma", "colours"]);
    // Of other colours, with more bits, as a still, of odd sizes, scaled: colours.
    let odd = SourcePicture { size: Size::new(1279, 720), ..RECORDED };
    for (source, output) in [(FILM, EIGHT), (RECORDED, TEN), (RECORDED, PassOutput::Rgba8), (odd, EIGHT)] {
        assert!(kinds("flip()", source, output).iter().all(|planes| planes == "colours"));
        assert!(kinds("blur(2px)", source, output).iter().all(|planes| planes == "colours"));
    }
    let scaled = plan(&"flip()".parse().unwrap(), RECORDED, Size::new(640, 360), EIGHT);
    assert!(scaled.passes.iter().all(|pass| pass.planes.is_none()));
}

#[test]
fn planes_are_multiplied_by_the_passes_that_made_them() {
    let names = |pass: &Pass| pass.points.iter().map(Point::to_string).collect::<Vec<_>>().join(" ");
    for (chain, expected) in [
        ("vignette(0.4)", &["vignette(0.4)"][..]),
        ("flip() vignette(0.4)", &["vignette(0.4)"]),
        ("vignette(0.4) flip() brightness(0.5)", &["vignette(0.4)", "colour matrix"]),
        ("blur(2px) vignette(0.4) brightness(0.5)", &["", "vignette(0.4) colour matrix"]),
    ] {
        let plan = plan(&chain.parse().unwrap(), RECORDED, HD, EIGHT);
        let expected: Vec<_> = expected.iter().flat_map(|names| [*names; 2]).collect();
        assert_eq!(plan.passes.iter().map(names).collect::<Vec<_>>(), expected, "{chain}");
        assert!(plan.passes.iter().all(|pass| pass.planes.is_some()), "{chain}");
    }
    // Brighter colours would show how dark ones were rounded.
    for chain in [
        "brightness(5%) flip() brightness(1500%)",
        "flip() brightness(5%) flip() contrast(3)",
        "brightness(5%) blur(16px) brightness(1500%) edge=clamp",
    ] {
        let plan = plan(&chain.parse().unwrap(), RECORDED, HD, EIGHT);
        assert!(plan.passes.iter().all(|pass| pass.planes.is_none() || pass.points.is_empty()), "{chain}");
    }
    // Brighter, of position alone but in steps, or other colours: chroma would differ.
    for chain in ["brightness(1.1)", "scanlines(3px)", "vignette(0.4) sepia(1)"] {
        assert_eq!(kinds(chain, RECORDED, EIGHT), ["colours"], "{chain}");
    }
}

#[test]
fn colours_are_blurred_as_planes_where_nothing_needs_more_than_planes_have() {
    let blurred = ["colours", "Luma", "Chroma", "Luma", "Chroma"];
    let other = SourcePicture { pixels: SourcePixels::Bytes(PixelFormat::I420), size: HD };
    for source in [RECORDED, other] {
        assert_eq!(kinds("sepia(1) blur(2px)", source, EIGHT), blurred);
        for scales in ["vignette(0.4)", "brightness(0.5)", "vignette(0.4) brightness(0.9)"] {
            assert_eq!(kinds(&format!("sepia(1) blur(2px) {scales}"), source, EIGHT), blurred, "{scales}");
        }
        let found = kinds("sepia(1) blur(2px) grayscale(1)", source, EIGHT);
        assert_eq!((&found[..5], &found[5..]), (&blurred.map(str::to_owned)[..], &["colours".to_owned()][..]));
        for colours in [
            "sepia(1) blur(2px) contrast(1.2)", // would show roundings
            "sepia(1) blur(2px) invert(1)",     // needs the transparency at the borders
            "blur(2px) brightness(1.1)",        // the same
            "opacity(0.5) blur(2px)",           // is transparent
            "sepia(1) blur(1px)",               // does not hide subsampled chroma
            "blur(2px) blur(3px)",              // goes on beyond the borders
            "blur(2px) drop-shadow(1px 1px 2px)",
        ] {
            assert!(kinds(colours, source, EIGHT).iter().all(|planes| planes == "colours"), "{colours}");
        }
    }
    // A wide blur takes its means of planes, and is one of colours from there on.
    for (chain, input, siting) in [
        ("blur(16px) invert(1)", PassInput::Source(SourcePixels::Recorded), Siting::Left),
        ("sepia(1) blur(5px) contrast(2)", PassInput::Planes(0), Siting::Center),
        ("flip() blur(100px)", PassInput::Planes(0), Siting::Left),
        ("blur(2px) blur(16px) edge=clamp", PassInput::Planes(1), Siting::Left),
    ] {
        let plan = plan(&chain.parse().unwrap(), RECORDED, HD, EIGHT);
        let reduction = plan.passes.iter().find(|pass| matches!(pass.stage, Stage::PlaneReduce { .. })).unwrap();
        assert_eq!(reduction.input, input, "{chain}");
        let Stage::PlaneReduce { siting: found, .. } = reduction.stage else { unreachable!() };
        assert_eq!(found, siting, "{chain}");
        let later = plan.passes.iter().filter(|pass| matches!(pass.stage, Stage::Reduce { .. }));
        assert!(later.map(|pass| pass.input).all(|input| matches!(input, PassInput::Texture(_))), "{chain}");
    }
}

#[test]
fn chroma_is_blurred_as_it_would_be_at_full_size() {
    for sigma in [0.9, 1.5, 2.0, 3.0, 4.0] {
        let kernel = BlurKernel::new(sigma);
        for axis in [Axis::X, Axis::Y] {
            // A mean of two pixels before, interpolated by whoever shows it. (Of narrower blurs, colours are blurred.)
            let less = 0.25 + if axis == Axis::X { 0.5 } else { 0.75 };
            let means =
                (kernel.variance() >= 3.0).then(|| (Taps::of_chroma_means(kernel, axis), kernel.variance() - less));
            // Interpolated before, downsampled after it.
            let recorded = (Taps::of_chroma(kernel, axis), kernel.variance());
            for (Taps { first, weights }, wanted) in means.into_iter().chain([recorded]) {
                let place = |i: usize| 2.0 * (first as f32 + i as f32);
                let moment = |power: i32, from: f32| -> f32 {
                    weights.iter().enumerate().map(|(i, weight)| weight * (place(i) - from).powi(power)).sum()
                };
                let mean = moment(1, 0.0);
                assert!((moment(2, mean) - wanted).abs() < 0.1, "{sigma} {axis:?}: {} for {wanted}", moment(2, mean));
                assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                assert!(mean.abs() < 1e-3 || (mean + 0.5).abs() < 1e-3 && axis == Axis::X, "{sigma}: moved by {mean}");
            }
        }
    }
}

#[test]
fn a_filter_may_say_what_its_blur_is_fed_with_and_gets_the_picture_as_it_was() {
    let passes = passes("sepia(1) bloom(1, 1px, 0.5)", HD);
    let PassInput::Texture(original) = passes[1].input else { panic!("{:?}", passes[1]) };
    let kept = PassOutput::Texture { index: original, precision: Precision::Half };
    assert_eq!(passes[0].output, kept);
    assert!(matches!(passes[1].points[..], [Point::Feed(_)]) && passes[1].stage == Stage::Copy);
    let last = passes.last().unwrap();
    assert!(matches!(last.points[..], [Point::Combine(_)]) && last.opaque);
    assert_eq!(last.original, Some((original, Extent::of(HD))));
    assert!(passes[1..].iter().all(|pass| pass.output != kept), "nothing writes over it");
}
