use super::*;
use wgpu::naga;

/// A cube of `size` entries a side whose entries are `entry` of their place, 0–1.
fn cube(size: usize, entry: impl Fn([f32; 3]) -> [f32; 3]) -> String {
    let mut text = format!("LUT_3D_SIZE {size}\n");
    for index in 0..size * size * size {
        let place = [index % size, index / size % size, index / size / size];
        let [r, g, b] = entry(place.map(|place| place as f32 / (size - 1) as f32));
        text.push_str(&format!("{r} {g} {b}\n"));
    }
    text
}

fn message(text: &str) -> String {
    Lut::parse(text).unwrap_err().to_string()
}

fn near(a: [f32; 3], b: [f32; 3], bound: f32) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= bound)
}

/// Colours all over 0–1, by xorshift (Marsaglia 2003).
fn colors() -> impl Iterator<Item = [f32; 3]> {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(move || {
        std::array::from_fn(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 40) as f32 / (1 << 24) as f32
        })
    })
    .take(2000)
}

#[test]
fn tables_of_the_identity_leave_every_colour_as_it_is() {
    let curves = "LUT_1D_SIZE 3\n0 0 0\n.5 .5 .5\n1. 1. 1.";
    for text in [curves.to_owned(), cube(2, |rgb| rgb), cube(17, |rgb| rgb)] {
        let lut = Lut::parse(&text).unwrap();
        for rgb in colors() {
            assert!(near(lut.apply(rgb), rgb, 1e-6), "{rgb:?} {:?}", lut.apply(rgb));
        }
    }
}

#[test]
fn entries_come_out_exactly_where_they_stand_and_at_the_border_beyond_it() {
    let square = |rgb: [f32; 3]| rgb.map(|value| value * value + 0.1);
    let lut = Lut::parse(&cube(5, square)).unwrap();
    for corner in [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.25, 0.5, 0.75]] {
        assert_eq!(lut.apply(corner), square(corner));
    }
    assert_eq!(lut.apply([-3.0, 7.0, f32::NAN]), square([0.0, 1.0, 0.0]));
    assert_eq!(lut.apply([f32::INFINITY, f32::NEG_INFINITY, 1.0]), square([1.0, 0.0, 1.0]));
}

#[test]
fn red_varies_fastest_and_a_curve_reads_its_own_column() {
    let lut = Lut::parse("LUT_3D_SIZE 2\n0 0 0\n1 2 3\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0").unwrap();
    assert_eq!(lut.apply([1.0, 0.0, 0.0]), [1.0, 2.0, 3.0]);
    let lut = Lut::parse("LUT_1D_SIZE 3\n0 1 5\n0.25 0.5 5\n1 0 7").unwrap();
    assert_eq!(lut.apply([0.25, 0.75, 0.75]), [0.125, 0.25, 6.0]);
}

#[test]
fn between_entries_a_cube_is_tetrahedral() {
    // One corner alone is not zero: each case by hand, at (0.6, 0.3, 0.2) and its like.
    let corner = |index: usize| {
        let rows = (0..8).map(|row| if row == index { "1 1 1\n" } else { "0 0 0\n" }).collect::<String>();
        Lut::parse(&format!("LUT_3D_SIZE 2\n{rows}")).unwrap()
    };
    // Red most, then green, then blue: 000 has 1 - 0.6, 100 has 0.6 - 0.3, 110 has 0.3 - 0.2 and 111 has 0.2.
    let shares = [0.4, 0.3, 0.0, 0.1, 0.0, 0.0, 0.0, 0.2];
    for (index, share) in shares.into_iter().enumerate() {
        assert!(near(corner(index).apply([0.6, 0.3, 0.2]), [share; 3], 1e-6), "{index}");
    }
    // Blue most, then red, then green: 000, 001, 101, 111.
    let shares = [0.4, 0.0, 0.0, 0.0, 0.3, 0.1, 0.0, 0.2];
    for (index, share) in shares.into_iter().enumerate() {
        assert!(near(corner(index).apply([0.3, 0.2, 0.6]), [share; 3], 1e-6), "{index}");
    }
    // On the grey axis only the two ends count, which trilinear interpolation does not keep.
    assert!(near(corner(1).apply([0.5; 3]), [0.0; 3], 1e-6));
}

#[test]
fn the_domain_says_which_colours_the_ends_stand_for() {
    let rows = "0 0 0\n1 1 1\n";
    let domain = "DOMAIN_MIN -1 0 0\nDOMAIN_MAX 1 2 4\n";
    let lut = Lut::parse(&format!("LUT_1D_SIZE 2\n{domain}{rows}")).unwrap();
    assert_eq!(lut.apply([0.0, 1.0, 1.0]), [0.5, 0.5, 0.25]);
    let lut = Lut::parse(&format!("LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE -1 3\n{rows}")).unwrap();
    assert_eq!(lut.apply([0.0, 1.0, 5.0]), [0.25, 0.5, 1.0]);
    let lut = Lut::parse(&format!("LUT_3D_INPUT_RANGE 0.0 2.0\n{}", cube(2, |rgb| rgb))).unwrap();
    assert_eq!(lut.apply([0.0, 1.0, 2.0]), [0.0, 0.5, 1.0]);
    let lut = Lut::parse(&format!("DOMAIN_MAX 2 2 2\nLUT_1D_SIZE 2\n{rows}")).unwrap();
    assert_eq!(lut.apply([1.0; 3]), [0.5; 3]);
}

#[test]
fn titles_comments_blank_lines_and_either_line_end_are_read_over() {
    let text = "\u{feff}# made by hand\r\nTITLE \"a # b\"\r\n\r\nLUT_1D_SIZE 2 # two\r\n\t0 0 0\r\n# middle\r\n 1 1 1 \r\n\r\n";
    assert_eq!(Lut::parse(text).unwrap(), Lut::parse("LUT_1D_SIZE 2\n0 0 0\n1 1 1").unwrap());
}

#[test]
fn faults_name_their_line_what_was_expected_and_what_was_found() {
    for (text, expected) in [
        ("LUT_1D_SIZE 2\n0 0 0\n0 x 0", "line 3: expected three numbers but found `0 x 0`"),
        ("LUT_1D_SIZE 2\n0 0\n0 0 0", "line 2: expected three numbers but found `0 0`"),
        ("LUT_1D_SIZE 2\n0 0 0 0\n", "line 2: expected three numbers but found `0 0 0 0`"),
        ("LUT_1D_SIZE 2\n0,0,0\n", "line 2: expected three numbers but found `0,0,0`"),
        ("LUT_1D_SIZE 2\nNaN 0 0\n", "line 2: expected three finite numbers but found `NaN 0 0`"),
        ("LUT_1D_SIZE 2\n0 -inf 0\n", "line 2: expected three finite numbers but found `0 -inf 0`"),
        ("LUT_1D_SIZE 2\n0 0 1e99\n", "line 2: expected three finite numbers but found `0 0 1e99`"),
        ("LUT_1D_SIZE 3\n0 0 0\n0 0 0", "expected 3 rows for LUT_1D_SIZE 3 but found 2"),
        ("LUT_1D_SIZE 2\n0 0 0\n0 0 0\n0 0 0", "expected 2 rows for LUT_1D_SIZE 2 but found 3"),
        ("LUT_3D_SIZE 256\n0 0 0", "expected 16777216 rows for LUT_3D_SIZE 256 but found 1"),
        ("LUT_3D_SIZE 2", "expected 8 rows for LUT_3D_SIZE 2 but found 0"),
        ("LUT_1D_SIZE 1\n0 0 0", "line 1: expected a whole number from 2 to 65536 after LUT_1D_SIZE but found `1`"),
        ("LUT_1D_SIZE 65537", "line 1: expected a whole number from 2 to 65536 after LUT_1D_SIZE but found `65537`"),
        ("LUT_3D_SIZE 257", "line 1: expected a whole number from 2 to 256 after LUT_3D_SIZE but found `257`"),
        ("LUT_3D_SIZE", "line 1: expected a whole number from 2 to 256 after LUT_3D_SIZE but found ``"),
        ("LUT_3D_SIZE 2 2", "line 1: expected a whole number from 2 to 256 after LUT_3D_SIZE but found `2 2`"),
        ("LUT_1D_SIZE 2\nLUT_1D_SIZE 2", "line 2: expected LUT_1D_SIZE once but found it on line 1 too"),
        (
            "LUT_1D_SIZE 2\nLUT_3D_SIZE 2",
            "line 2: expected LUT_1D_SIZE or LUT_3D_SIZE but found both; split the file into two tables",
        ),
        ("", "expected LUT_1D_SIZE or LUT_3D_SIZE but found neither; is this a .cube file?"),
        ("0 0 0", "expected LUT_1D_SIZE or LUT_3D_SIZE but found neither; is this a .cube file?"),
        (
            "LUT_1D_SIZE 2\n\nDOMAIN_MIN 0 1 0",
            "line 3: expected the domain's least below its greatest but found 1 and 1",
        ),
        (
            "DOMAIN_MIN -3e38 0 0\nLUT_1D_SIZE 2\nDOMAIN_MAX 3e38 1 1",
            "line 3: expected the domain's least below its greatest but found \
             -300000000000000000000000000000000000000 and 300000000000000000000000000000000000000",
        ),
        ("DOMAIN_MIN 0 0", "line 1: expected three numbers but found `0 0`"),
        ("LUT_1D_INPUT_RANGE 0", "line 1: expected two numbers but found `0`"),
        (
            "LUT_1D_INPUT_RANGE 0 1\nLUT_3D_SIZE 2",
            "line 1: expected LUT_3D_INPUT_RANGE, as the size, but found the other one",
        ),
        (
            "LUT_1D_INPUT_RANGE 0 1\nLUT_1D_SIZE 2\nDOMAIN_MAX 1 1 1",
            "line 3: expected LUT_1D_INPUT_RANGE or DOMAIN_MIN and DOMAIN_MAX but found both",
        ),
        ("LUT_1D_SIZE 2\n0 0 0\nTITLE \"late\"\n0 0 0", "line 3: expected the row 2 but found `TITLE`"),
    ] {
        let error = Lut::parse(text).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
        assert_eq!(error.kind().name(), "SyntaxError");
    }
    assert!(message("LUT_2D_SIZE 2").starts_with("line 1: unknown keyword `LUT_2D_SIZE`; expected TITLE, "));
    let long = message(&format!("LUT_1D_SIZE 2\n0 0 0 {}", "é".repeat(10_000)));
    assert!(long.len() < 250 && long.contains("`0 0 0 é"), "{long}");
}

#[test]
fn files_are_named_with_the_line_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.cube");
    let message = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let message = Lut::load(&path).unwrap_err().to_string();
        message.strip_prefix(&folder.path().display().to_string()).unwrap()[1..].to_owned()
    };
    assert_eq!(message(b"LUT_1D_SIZE 2\n0 0 0\nwhite\n"), "film.cube:3: expected the row 2 but found `white`");
    assert_eq!(message(b"LUT_1D_SIZE 2\n0 0 0"), "film.cube: expected 2 rows for LUT_1D_SIZE 2 but found 1");
    assert_eq!(
        message(b"LUT_1D_SIZE 2\n0 0 \xff"),
        "film.cube:2: expected the UTF-8 text of a .cube file but found the byte 0xff"
    );
    // A hole of 65 MiB: larger than any table, and no space on the disk.
    std::fs::File::create(&path).unwrap().set_len(65 << 20).unwrap();
    let error = Lut::load(&path).unwrap_err().to_string();
    assert!(error.ends_with("film.cube: expected a file of at most 32768 KiB but found one of 66560 KiB"), "{error}");
    std::fs::write(&path, cube(3, |rgb| rgb)).unwrap();
    let named = Lut { name: path.display().to_string(), ..Lut::parse(&cube(3, |rgb| rgb)).unwrap() };
    assert_eq!(Lut::load(&path).unwrap(), named);
    let missing = Lut::load(&folder.path().join("none.cube")).unwrap_err();
    assert_eq!(missing.kind().name(), "NotFoundError");
}

#[test]
fn the_shader_reads_a_head_of_three_and_then_an_entry_each() {
    let lut = Lut::parse("LUT_1D_SIZE 2\nDOMAIN_MAX 2 3 4\n0 1 2\n3 4 5").unwrap();
    assert_eq!(
        lut.params(),
        [[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [2.0, 3.0, 4.0, 0.0], [0.0, 1.0, 2.0, 0.0], [3.0, 4.0, 5.0, 0.0]]
    );
    assert_eq!(Lut::parse(&cube(3, |rgb| rgb)).unwrap().params()[0], [3.0, 3.0, 0.0, 0.0]);
}

#[test]
fn naga_accepts_the_shader() {
    let head = "@group(0) @binding(1) var<storage, read> params: array<vec4f>;\n";
    let text = [head, include_str!("../../../shaders/filter/lut.wgsl")].concat();
    let module = naga::front::wgsl::parse_str(&text).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&text)));
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::default())
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}", error.emit_to_string(&text)));
}
