//! Users' own WGSL, from the command line: filters and sources, parameters, faults, edits during a recording.

mod support {
    pub mod program;
    pub mod tools;
}

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};

use framereel::frame::Frame;
use framereel::source::{SourceOptions, SourceSpec, open};
use support::program::{Bench, until, y4m};

const INVERT: &str = "struct Params {\n    amount: f32, // 1\n}\n\
    fn effect_color(color: vec4f) -> vec4f {\n    return vec4f(mix(color.rgb, 1.0 - color.rgb, params.amount), color.a);\n}\n";

/// The luma in the middle of every frame of a recording.
fn lumas(path: &Path) -> Vec<u8> {
    let mut film = open(&SourceSpec::File(path.to_owned()), &SourceOptions::default()).unwrap();
    std::iter::from_fn(|| film.next_frame().unwrap()).map(|frame| middle(&frame)).collect()
}

/// The same of a file that is still written.
fn lumas_so_far(path: &Path) -> Vec<u8> {
    let Ok(mut film) = open(&SourceSpec::File(path.to_owned()), &SourceOptions::default()) else { return Vec::new() };
    std::iter::from_fn(|| film.next_frame().ok().flatten()).map(|frame| middle(&frame)).collect()
}

fn middle(frame: &Frame) -> u8 {
    frame.rows(0).nth(frame.size().height as usize / 2).unwrap()[frame.size().width as usize / 2]
}

/// The lines that come from a pipe, as they come.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (found, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            // The test may no longer wait for any.
            let _ = found.send(line.unwrap());
        }
    });
    lines
}

/// A still film of this luma.
fn grey(frames: usize, luma: u8) -> Vec<u8> {
    y4m(64, 48, 25, frames, |_, _, _| luma)
}

fn near(a: u8, b: u8) -> bool {
    a.abs_diff(b) <= 3
}

#[test]
fn a_shader_filters_and_its_parameters_are_set_by_name() {
    let bench = Bench::new();
    bench.write("invert.wgsl", INVERT);
    bench.write("grey.y4m", grey(3, 60));
    for (arguments, expected) in [
        (vec!["--shader", "invert.wgsl"], 191),
        (vec!["--shader", "invert.wgsl", "--param", "amount=0"], 60),
        (vec!["--shader", "invert.wgsl", "--param", "amount=50%"], 126),
        (vec!["--filter", "shader(\"invert.wgsl\", amount=0.5)"], 126),
        (vec!["--filter", "shader('invert.wgsl') invert(1)"], 60),
        // Two files in one pass, of the same names.
        (vec!["--shader", "invert.wgsl", "--shader", "invert.wgsl"], 60),
    ] {
        let common = ["record", "grey.y4m", "-o", "out.webm", "--force", "--quality", "95"];
        bench.run(common.into_iter().chain(arguments.iter().copied())).succeeded();
        let lumas = lumas(&bench.path("out.webm"));
        assert!(lumas.len() == 3 && lumas.iter().all(|&luma| near(luma, expected)), "{arguments:?}: {lumas:?}");
    }
}

#[test]
fn a_shader_may_look_around_and_at_the_frame_before() {
    let bench = Bench::new();
    bench.write(
        "fade.wgsl",
        "fn effect(position: vec2f) -> vec4f { return 0.5 * (sample(position) + previous(position)); }",
    );
    bench.write("white.y4m", grey(4, 235));
    bench.run(["record", "white.y4m", "--shader", "fade.wgsl", "-o", "out.webm", "--quality", "95"]).succeeded();
    // A half, three quarters, seven eighths… of white.
    let expected = [0.5, 0.75, 0.875, 0.9375].map(|share| (16.0 + 219.0 * share) as u8);
    let lumas = lumas(&bench.path("out.webm"));
    assert_eq!(lumas.len(), expected.len());
    assert!(lumas.iter().zip(expected).all(|(&luma, expected)| near(luma, expected)), "{lumas:?}, not {expected:?}");
}

#[test]
fn an_image_is_a_source_that_time_moves() {
    let bench = Bench::new();
    bench.write(
        "ramp.wgsl",
        "struct Params { speed: f32, // 1\n }\n\
         fn image(position: vec2f) -> vec4f { return vec4f(vec3f(frame.time * params.speed), 1.0); }",
    );
    let json = bench.json([
        "record",
        "shader:ramp.wgsl",
        "--param",
        "speed=0.5",
        "--duration",
        "1s",
        "--fps",
        "10",
        "--size",
        "64x48",
        "--quality",
        "95",
        "--json",
        "-o",
        "out.webm",
    ]);
    assert_eq!((&json["frames_encoded"], &json["width"]), (&10.into(), &64.into()));
    let lumas = lumas(&bench.path("out.webm"));
    for (index, &luma) in lumas.iter().enumerate() {
        assert!(near(luma, (16.0 + 219.0 * 0.05 * index as f64).round() as u8), "frame {index}: {lumas:?}");
    }
    // A still of it, through a filter.
    bench.run(["still", "shader:ramp.wgsl", "--size", "16x16", "--filter", "invert(1)", "-o", "a.png"]).succeeded();
    let still = image::open(bench.path("a.png")).unwrap().to_rgb8();
    assert!(still.pixels().all(|pixel| pixel.0 == [255, 255, 255]));
    // A still shows what its time shows, of the shader and of an animated chain.
    bench.run(["still", "shader:ramp.wgsl", "--size", "16x16", "--at", "500ms", "-o", "b.png"]).succeeded();
    let animated = ["--filter", "brightness(0)", "--animate", "brightness.amount: 0s 0, 1s 1", "--at", "500ms"];
    bench.write("white.y4m", grey(26, 235));
    bench.run(["still", "white.y4m", "-o", "c.png"].into_iter().chain(animated)).succeeded();
    for name in ["b.png", "c.png"] {
        let still = image::open(bench.path(name)).unwrap().to_rgb8();
        assert!(still.pixels().all(|pixel| near(pixel[0], 128)), "{name}: {:?}", still.get_pixel(0, 0));
    }
    bench.run(["record", "shader:ramp.wgsl", "--start", "1s"]).failed(2, &["expected no start"]);
}

#[test]
fn numbers_follow_their_course() {
    let bench = Bench::new();
    bench.write("white.y4m", grey(26, 235));
    bench
        .run([
            "record",
            "white.y4m",
            "--filter",
            "brightness(1)",
            "--animate",
            "brightness.amount: 0s 1, 1s 0",
            "-o",
            "out.webm",
            "--quality",
            "95",
        ])
        .succeeded();
    let lumas = lumas(&bench.path("out.webm"));
    for (index, &luma) in lumas.iter().enumerate() {
        let expected = 16.0 + 219.0 * (1.0 - index as f64 / 25.0);
        assert!(near(luma, expected.round() as u8), "frame {index}: {luma}, not {expected}");
    }
    bench
        .run(["record", "white.y4m", "--filter", "blur(1px)", "--animate", "blur.size: 0s 1", "-o", "no.webm"])
        .failed(2, &["expected a number of `blur` (radius) but found `size`"]);
    assert!(!bench.names().contains(&"no.webm".to_owned()));
}

#[test]
fn a_broken_shader_is_shown_with_file_line_column_and_caret() {
    let bench = Bench::new();
    bench.write(
        "broken.wgsl",
        "fn effect_color(color: vec4f) -> vec4f {\n    let x = strngth * 2.0;\n    return color * x;\n}\n",
    );
    let ran = bench.run(["record", "pattern", "--shader", "broken.wgsl", "-o", "a.webm"]);
    ran.failed(2, &[]);
    assert_eq!(
        ran.stderr,
        "error: broken.wgsl:2:13: no definition in scope for identifier: `strngth`\n  2 |     let x = strngth * 2.0;\n    |             \
         ^^^^^^^ unknown identifier\n"
    );
    for (text, words) in [
        ("fn effect_color(color: vec4f) -> vec4f { return 1.0; }", "bad.wgsl:1:"),
        ("fn effect(position: vec2f) -> vec3f { return vec3f(); }", "expected `fn effect(position: vec2f) -> vec4f`"),
        ("fn nothing() {}", "expected `fn effect_color(color: vec4f) -> vec4f`"),
        ("", "but found nothing"),
        ("\0\u{1}garbage {{{", "bad.wgsl:1:"),
    ] {
        bench.write("bad.wgsl", text);
        bench.run(["record", "pattern", "--shader", "bad.wgsl", "-o", "a.webm"]).failed(2, &[words]);
    }
    bench
        .run(["record", "pattern", "--shader", "none.wgsl", "-o", "a.webm"])
        .failed(1, &["none.wgsl: expected a file"]);
    bench.write("invert.wgsl", INVERT);
    let unknown = ["record", "pattern", "--shader", "invert.wgsl", "--param", "amuont=1", "-o", "a.webm"];
    bench.run(unknown).failed(2, &["expected a parameter of `shader` (file, amount) but found `amuont`"]);
    bench
        .run(["record", "pattern", "--param", "amount=1", "-o", "a.webm"])
        .failed(2, &["give the shader with --shader"]);
    bench.run(["record", "shader:invert.wgsl", "-o", "a.webm"]).failed(2, &["use it with --shader"]);
    assert!(!bench.names().contains(&"a.webm".to_owned()), "{:?}", bench.names());
}

#[test]
fn a_shader_that_never_ends_is_found_and_what_was_recorded_plays() {
    let bench = Bench::new();
    bench.write(
        "endless.wgsl",
        "fn effect_color(color: vec4f) -> vec4f {
            var c = color;
            if frame.time > 0.5 { while c.r > -1.0 { loop { c.r = fract(c.r + 0.1); if c.r < -1.0 { break; } } } }
            return c;
        }",
    );
    let ran = bench.run([
        "record",
        "pattern",
        "--size",
        "64x48",
        "--duration",
        "2s",
        "--shader",
        "endless.wgsl",
        "-o",
        "a.webm",
    ]);
    ran.failed(1, &["expected the loops of your shader to end", "at 0.533"]);
    assert_eq!(lumas(&bench.path("a.webm")).len(), 16);
}

#[test]
fn reading_out_of_bounds_reads_something_and_harms_nothing() {
    let bench = Bench::new();
    bench.write(
        "far.wgsl",
        "var<private> table: array<f32, 4>;
        fn effect(position: vec2f) -> vec4f {
            let i = i32(position.x) * 100000 - 3;
            return sample(position * 1e9) + sample(vec2f(-1e30, 1e30)) + vec4f(table[i]) + previous(position * -1e9);
        }",
    );
    bench
        .run(["record", "pattern", "--size", "64x48", "--duration", "200ms", "--shader", "far.wgsl", "-o", "a.webm"])
        .succeeded();
    assert_eq!(lumas(&bench.path("a.webm")).len(), 6);
}

#[test]
fn a_table_of_colours_applies_and_a_bad_one_is_named_with_its_line() {
    let bench = Bench::new();
    bench.write("invert.cube", "LUT_3D_SIZE 2\n1 1 1\n0 1 1\n1 0 1\n0 0 1\n1 1 0\n0 1 0\n1 0 0\n0 0 0\n");
    bench.write("grey.y4m", grey(2, 60));
    for (chain, expected) in
        [("lut(\"invert.cube\")", 191), ("lut('invert.cube', 50%)", 126), ("lut(\"invert.cube\", 0)", 60)]
    {
        bench.run(["record", "grey.y4m", "--filter", chain, "-o", "a.webm", "--force", "--quality", "95"]).succeeded();
        let lumas = lumas(&bench.path("a.webm"));
        assert!(lumas.len() == 2 && lumas.iter().all(|&luma| near(luma, expected)), "{chain}: {lumas:?}");
    }
    for (text, words) in [
        ("LUT_3D_SIZE 2\n1 1 1\n0 1 1\n", "but found 2"),
        ("LUT_1D_SIZE 2\n0 0 0\nNaN 1 1\n", "bad.cube:3: "),
        ("hello", "bad.cube:1: "),
    ] {
        bench.write("bad.cube", text);
        bench
            .run(["record", "grey.y4m", "--filter", "lut(\"bad.cube\")", "-o", "b.webm"])
            .failed(2, &["bad.cube", words]);
    }
    bench
        .run(["record", "grey.y4m", "--filter", "lut(film.cube)", "-o", "b.webm"])
        .failed(2, &["in quotes", "^^^^^^^^^"]);
    bench.run(["record", "grey.y4m", "--filter", "lut(\"none.cube\")", "-o", "b.webm"]).failed(1, &["none.cube"]);
}

#[test]
fn edits_apply_while_it_runs_and_a_broken_one_keeps_the_last_good_shader() {
    let bench = Bench::new();
    let shade =
        |factor: &str| format!("fn effect_color(color: vec4f) -> vec4f {{ return vec4f(color.rgb * {factor}, 1.0); }}");
    bench.write("shade.wgsl", shade("1.0"));
    let mut command =
        bench.command(["record", "-", "--shader", "shade.wgsl", "--watch", "-o", "a.webm", "--quality", "95"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let said = lines(child.stderr.take().unwrap());
    let film = grey(1, 235);
    let frame = film.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    stdin.write_all(&film[..frame]).unwrap();
    let file = bench.path("a.webm");
    let mut fed = 0;
    // Gives so many frames more, and waits until all but the last three are in the file, which grows ten times a second
    // of the recording; gives the lumas of those in the file.
    let mut feed = |frames: usize| {
        fed += frames;
        (0..frames).for_each(|_| stdin.write_all(&film[frame..]).unwrap());
        stdin.flush().unwrap();
        let mut lumas = Vec::new();
        until("the frames", || {
            lumas = lumas_so_far(&file);
            lumas.len() + 3 >= fed
        });
        lumas
    };
    let before = feed(10);
    bench.write("shade.wgsl", shade("0.5"));
    // The edit is read some time later: frames come until one is drawn by it.
    until("an edited frame", || !near(*feed(4).last().unwrap(), 235));
    bench.write("shade.wgsl", shade("oops"));
    let error = said.iter().find(|line| line.starts_with("error: ")).expect("an error, for the edit is bad");
    let words = "error: shade.wgsl:1:67: no definition in scope for identifier: `oops`";
    assert!(error.contains(words), "{error}");
    feed(10);
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let lumas = lumas(&file);
    let edited = lumas.iter().position(|&luma| !near(luma, 235)).expect("the edit");
    assert!(lumas.len() == fed && edited >= before.len(), "{fed} frames: {lumas:?}");
    assert!(lumas[edited..].iter().all(|&luma| near(luma, 126)), "{lumas:?}");
    bench.run(["record", "pattern", "--watch", "-o", "b.webm"]).failed(2, &["expected a shader to watch"]);
}

#[test]
fn an_edit_made_to_do_harm_is_refused_while_the_recording_goes_on() {
    const SHADE: &str = "fn effect_color(color: vec4f) -> vec4f { return vec4f(color.rgb * 0.5, 1.0); }";
    const HUGE: &str = "fn image(p: vec2f) -> vec4f { return vec4f(-array<f32, 4000000000>()); }";
    let bench = Bench::new();
    bench.write("shade.wgsl", SHADE);
    let arguments = ["record", "-", "--shader", "shade.wgsl", "--watch", "-o", "a.webm", "--quality", "95"];
    let mut command = bench.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let film = grey(20, 235);
    let middle = film.len() / 2;
    stdin.write_all(&film[..middle]).unwrap();
    stdin.flush().unwrap();
    let said = lines(child.stderr.take().unwrap());
    // Once there is a frame in the file, the watch has begun.
    until("a frame", || {
        assert!(child.try_wait().unwrap().is_none(), "{:?}", said.try_iter().collect::<Vec<_>>());
        bench.path("a.webm").metadata().is_ok_and(|found| found.len() > 0)
    });
    bench.write("shade.wgsl", HUGE);
    let error = said.iter().find(|line| line.starts_with("error: ")).expect("an error, for the edit is bad");
    assert!(
        error.contains("shade.wgsl:1:45: expected types of at most 64 KiB but found one of 15625000 KiB"),
        "{error}"
    );
    stdin.write_all(&film[middle..]).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let lumas = lumas(&bench.path("a.webm"));
    assert!(lumas.len() == 20 && lumas.iter().all(|&luma| near(luma, 126)), "{lumas:?}");
}
