use super::*;

const WAVE: &str = "// Waves.
struct Params {
    strength: f32, // 0.8 of the way
    count: i32, // -3
    seed: u32, /* 7 */
    tint: vec3f, // #f80
    glow: vec4f, // 1, 0.5 0 .25
    plain: f32, // no number here
    // 9
    dark: vec3f,
    clear: vec4<f32>,
}

const PI2 = 6.2831853;
alias Offset = vec2f;
var<private> calls: u32;

fn wave(strength: f32, at: f32) -> Offset {
    calls += 1u;
    return Offset(strength * sin(at * PI2 + frame.time), 0.0);
}

fn effect(position: vec2f) -> vec4f {
    let color = sample(position + wave(params.strength, position.y / frame.resolution.y));
    return mix(color, previous(position), 0.5) * params.glow + f32(calls + frame.index) * params.tint.xyzz;
}
";

const GREY: &str = "fn effect_color(color: vec4f) -> vec4f { return vec4f(vec3f(color.g), color.a); }";
const PLASMA: &str = "fn image(position: vec2f) -> vec4f { return vec4f(sin(position.xyxy + frame.time)); }";

fn parse(text: &str) -> Custom {
    Custom::parse("wave.wgsl", text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn message(text: &str) -> String {
    let error = Custom::parse("wave.wgsl", text).expect_err(text);
    assert_eq!(error.kind().name(), "SyntaxError");
    error.to_string()
}

/// What naga says against texts that stand together behind the contract's full prelude.
fn together(texts: &[String]) -> Option<String> {
    let text = [Kind::Area.prelude(true, false), texts.concat()].concat();
    let module = match naga::front::wgsl::parse_str(&text) {
        Ok(module) => module,
        Err(error) => return Some(error.emit_to_string(&text)),
    };
    naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::default())
        .validate(&module)
        .err()
        .map(|error| error.emit_to_string(&text))
}

#[test]
fn a_file_says_what_it_is_which_parameters_it_has_and_whether_it_looks_back() {
    let wave = parse(WAVE);
    assert_eq!((wave.kind(), wave.uses_previous(), wave.name(), wave.path()), (Kind::Area, true, "wave.wgsl", None));
    let fields: Vec<_> = wave.fields().iter().map(|field| (field.name.as_str(), field.kind, field.default)).collect();
    assert_eq!(
        fields,
        [
            ("strength", FieldKind::F32, [0.8, 0.0, 0.0, 0.0]),
            ("count", FieldKind::I32, [-3.0, 0.0, 0.0, 0.0]),
            ("seed", FieldKind::U32, [7.0, 0.0, 0.0, 0.0]),
            ("tint", FieldKind::Vec3, [1.0, 8.0 / 15.0, 0.0, 0.0]),
            ("glow", FieldKind::Vec4, [1.0, 0.5, 0.0, 0.25]),
            ("plain", FieldKind::F32, [0.0; 4]),
            ("dark", FieldKind::Vec3, [0.0; 4]),
            ("clear", FieldKind::Vec4, [0.0, 0.0, 0.0, 1.0]),
        ]
    );
    let grey = parse(GREY);
    assert_eq!((grey.kind(), grey.uses_previous(), grey.fields()), (Kind::Color, false, &[][..]));
    assert_eq!(parse(PLASMA).kind(), Kind::Image);
    // A local variable of that name is not the contract's function.
    let local = GREY.replace("return", "let previous = color; return");
    assert!(!parse(&local).uses_previous());
    assert!(parse(&GREY.replace("{ return", "{ let old = previous(color.xy); return")).uses_previous());
}

#[test]
fn two_files_and_one_file_twice_stand_in_one_shader() {
    let color =
        "struct Params { wave: f32 } fn effect_color(params2: vec4f) -> vec4f { return params2 * params.wave; }";
    let texts = [
        parse(WAVE).wgsl("user0_"),
        parse(WAVE).wgsl("user1_"),
        parse(color).wgsl("user2_"),
        parse(PLASMA).wgsl("user3_"),
    ];
    assert_eq!(together(&texts), None);
    assert_eq!(
        parse(color).wgsl("user2_"),
        "struct user2_Params { wave: f32 } fn user2_effect_color(params2: vec4f) -> vec4f { return params2 * \
         user2_params.wave; }\nvar<private> user2_params: user2_Params;\n"
    );
    // Also where the last line is a comment, and where a local name has the prefix by chance.
    let chance = "const x = 1.0; fn effect_color(user0_x: vec4f) -> vec4f { return user0_x * x; } // the end";
    assert_eq!(together(&[parse(chance).wgsl("user0_")]), None);
}

#[test]
fn a_misspelt_name_is_shown_in_its_line_with_carets_under_it() {
    let text = "// Waves.\r\n\r\nfn effect(position: vec2f) -> vec4f {\r\n\tlet é = strngth * 2.0;\r\n\treturn vec4f(é);\r\n}\r\n";
    assert_eq!(
        message(text),
        "wave.wgsl:4:10: no definition in scope for identifier: `strngth`\n  \
           4 | \tlet é = strngth * 2.0;\n    \
             | \t        ^^^^^^^ unknown identifier"
    );
}

#[test]
fn what_the_validator_finds_is_shown_in_the_same_way() {
    let text = "fn effect(position: vec2f) -> vec4f {\n    for (var i = 0; i < position.x; i++) {\n    }\n    return vec4f();\n}\n";
    assert_eq!(
        message(text),
        "wave.wgsl:2:21: expected types that go together around the operator but found `i32` and `f32`\n  \
           2 |     for (var i = 0; i < position.x; i++) {\n    \
             |                     ^^^^^^^^^^^^^^"
    );
    for (body, expected) in [
        ("return sample(position).rgb;", "wave.wgsl:1:46: expected a value of type `vec4<f32>` to be returned\n"),
        (
            "return sample(position.x);",
            "wave.wgsl:1:46: expected a value of type `vec2<f32>` as argument 1 of `sample`\n",
        ),
        ("if position.x { } return vec4f();", "wave.wgsl:1:42: the `if` condition is not a boolean scalar\n"),
        ("var a: array<f32, 2>; return vec4f(a[5]);", "wave.wgsl:1:74: accessing index 5 is out of bounds\n"),
        ("frame.time = 1.0; return vec4f();", "wave.wgsl:1:39: the pointer doesn't relate to a valid destination for"),
    ] {
        let message = message(&format!("fn effect(position: vec2f) -> vec4f {{ {body} }}"));
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn second_places_and_notes_are_shown_below() {
    assert_eq!(
        message("fn effect(p: vec2f) -> vec4f {\n    let a = p;\n    a.x = 1.0;\n    return vec4f();\n}"),
        "wave.wgsl:3:5: invalid left-hand side of assignment\n  \
           3 |     a.x = 1.0;\n    \
             |     ^^^ cannot assign to this expression\n  \
           2 |     let a = p;\n    \
             |         ^ this is an immutable binding\n    \
             = consider declaring `a` with `var` instead of `let`"
    );
}

#[test]
fn names_that_a_kind_does_not_have_come_with_what_to_do() {
    for (text, expected) in [
        ("fn effect_color(c: vec4f) -> vec4f { return sample(c.xy); }", "sees one colour alone; define `fn effect("),
        ("fn image(p: vec2f) -> vec4f { return sample(p); }", "draws out of nothing; define `fn effect("),
        ("fn image(p: vec2f) -> vec4f { return previous(p); }", "draws out of nothing; define `fn effect("),
        ("fn effect(p: vec2f) -> vec4f { return vec4f(params.a); }", "declare `struct Params { … }`"),
    ] {
        let message = message(text);
        assert!(message.contains("no definition in scope") && message.contains(expected), "{message}");
    }
}

#[test]
fn what_is_against_the_contract_is_refused_with_what_to_do_instead() {
    let three = "expected `fn effect_color(color: vec4f) -> vec4f`, `fn effect(position: vec2f) -> vec4f` or \
                 `fn image(position: vec2f) -> vec4f`";
    for (text, expected) in [
        (String::new(), format!("wave.wgsl: {three} but found nothing")),
        ("\u{feff} // alone".to_owned(), format!("wave.wgsl: {three} but found nothing")),
        ("const a = 1;".to_owned(), format!("wave.wgsl: {three} but found no function")),
        ("fn efect() {} fn b() {}".to_owned(), format!("wave.wgsl: {three} but found `efect`, `b`")),
        ("fn efect( {}".to_owned(), "wave.wgsl:1:11: expected ".to_owned()),
        (
            format!("{GREY}\n{PLASMA}"),
            "wave.wgsl:2:4: expected one of the contract's functions but found `effect_color` and `image`; keep one"
                .to_owned(),
        ),
        (format!("{GREY}\n{GREY}"), "wave.wgsl:2:4: expected `effect_color` once but found it twice".to_owned()),
        (
            "fn effect(a: vec2f,\n b: f32) -> vec4f { return vec4f(); }".to_owned(),
            "wave.wgsl:1:1: expected `fn effect(position: vec2f) -> vec4f` but found `fn effect(a: vec2f, b: f32) -> \
             vec4f`\n  1 | fn effect(a: vec2f,\n    | ^^^^^^^^^^^^^^^^^^^"
                .to_owned(),
        ),
        (
            "fn effect_color(c: vec3f) -> vec4f { return c.xyzz; }".to_owned(),
            "wave.wgsl:1:1: expected `fn effect_color(color: vec4f) -> vec4f` but found `fn effect_color(c: vec3f)"
                .to_owned(),
        ),
        ("fn image(p: vec2f) {}".to_owned(), "wave.wgsl:1:1: expected `fn image(".to_owned()),
        ("@compute @workgroup_size(1) fn main() {}".to_owned(), "wave.wgsl:1:2: expected no entry point; ".to_owned()),
        ("@fragment fn main() {}".to_owned(), "wave.wgsl:1:2: expected no entry point; ".to_owned()),
        ("@vertex fn main() {}".to_owned(), "wave.wgsl:1:2: expected no entry point; ".to_owned()),
        (
            format!("@group(0) @binding(3) var t: texture_2d<f32>;\n{GREY}"),
            "wave.wgsl:1:2: expected no resource; read the picture with `sample(position)`".to_owned(),
        ),
        (
            format!("struct A {{ @builtin(position) a: vec4f }} {GREY}"),
            "wave.wgsl:1:13: expected no such attribute; ".to_owned(),
        ),
        (
            format!("var<workgroup> a: f32; {GREY}"),
            "wave.wgsl:1:16: expected `var<private> a`, the only kind of variable outside functions here".to_owned(),
        ),
        (format!("var a: sampler; {GREY}"), "wave.wgsl:1:5: expected `var<private> a`".to_owned()),
        (
            format!("override a: f32; {GREY}"),
            "wave.wgsl:1:10: expected no `override`; declare `a` in `struct Params` instead".to_owned(),
        ),
        (format!("enable f16; {GREY}"), "wave.wgsl:1:1: expected no directive; ".to_owned()),
        (format!("requires a; {GREY}"), "wave.wgsl:1:1: expected no directive; ".to_owned()),
        (format!("diagnostic(off, a); {GREY}"), "wave.wgsl:1:1: expected no directive; ".to_owned()),
        (format!("const_assert vec2f(1); {GREY}"), "wave.wgsl:1:1: expected no `const_assert`; ".to_owned()),
        (GREY.replace("return", "discard; return"), "wave.wgsl:1:42: expected no `discard`; ".to_owned()),
        (GREY.replace("color.a", "dpdx(color.a)"), "wave.wgsl:1:71: expected no derivative; ".to_owned()),
        (GREY.replace("return", "workgroupBarrier(); return"), "wave.wgsl:1:42: expected no barrier; ".to_owned()),
        (
            format!("fn sample() {{}} {GREY}"),
            "wave.wgsl:1:4: expected a name of your own but found `sample`, which is framereel's; choose another"
                .to_owned(),
        ),
        (format!("const frame = 1; {GREY}"), "wave.wgsl:1:7: expected a name of your own but found `frame`".to_owned()),
        (format!("struct previous {{ a: f32 }} {GREY}"), "wave.wgsl:1:8: expected a name of your own".to_owned()),
        (
            format!("struct Params {{ a: f32 }} const params = 1; {GREY}"),
            "wave.wgsl:1:32: expected a name of your own but found `params`".to_owned(),
        ),
        (
            format!("alias vec4f = vec4<f32>; {GREY}"),
            "wave.wgsl:1:7: expected a name of your own but found `vec4f`, which is WGSL's".to_owned(),
        ),
        (
            format!("struct Params {{ a: f32, b: mat2x2f }} {GREY}"),
            "wave.wgsl:1:25: expected `b` to be f32, i32, u32, vec3f or vec4f but found `mat2x2<f32>`".to_owned(),
        ),
        (
            format!("struct Params {{\n a: u32, // -1\n}} {GREY}"),
            "wave.wgsl:2:10: expected a whole number from 0 up but found -1 as the default of `a`".to_owned(),
        ),
        (
            format!("struct Params {{\n a: i32, // 1.5\n}} {GREY}"),
            "wave.wgsl:2:10: expected a whole number but found 1.5 as the default of `a`".to_owned(),
        ),
        (
            format!("struct Params {{\n a: vec3f, // #12\n}} {GREY}"),
            "wave.wgsl:2:12: expected a colour of 3, 4, 6 or 8 hex digits but found `#12` as the default".to_owned(),
        ),
    ] {
        let message = message(&text);
        assert!(message.starts_with(&expected), "{text}\n{message}\n{expected}");
    }
    // The same words are anybody's where they mean nothing of the kind.
    parse(
        "struct A { discard_: f32, dpdx: f32 } fn dpdy(a: A) -> f32 { return a.dpdx; }
           fn effect(sample: vec2f) -> vec4f { let params = 1.0; return vec4f(dpdy(A(1.0, params))); }",
    );
}

#[test]
fn what_a_compiler_or_a_driver_would_die_of_is_refused() {
    let effect = |body: &str| format!("fn effect(p: vec2f) -> vec4f {{ {body} return vec4f(); }}");
    for (text, expected) in [
        (effect(&format!("let a = p{};", "+p".repeat(50_000))), "expected a shorter expression"),
        (effect(&format!("let a = {}1;", "-".repeat(50_000))), "expected a shorter expression"),
        (effect(&format!("let a = p{};", ".xy".repeat(40_000))), "expected a shorter expression"),
        (effect(&format!("let a = {}1{};", "(".repeat(50_000), ")".repeat(50_000))), "expected a shorter expression"),
        (effect(&format!("let a = {}1{};", "max(1, ".repeat(250), "+1)".repeat(250))), "expected a shorter expression"),
        (
            effect(&format!("if p.x < 1 {{}} {}", "else if p.x < 2 {}".repeat(5000))),
            "expected at most 200 times `else`",
        ),
        (effect(&"{".repeat(5000)), "brace nesting limit reached"),
        (effect(&format!("let a: {}", "array<".repeat(5000))), "expected a shorter expression"),
        (
            format!("{}{}", (0..2000).map(|i| format!("alias A{} = A{i};", i + 1)).collect::<String>(), effect("")),
            "expected at most 1000 declarations",
        ),
        (format!("var<private> a: array<f32, 100000000>; {}", effect("")), "expected types of at most 64 KiB"),
        (effect("var a: array<vec4f, 4096>; var b: f32;"), "expected variables of at most 64 KiB together"),
        (" ".repeat((128 << 10) + 1), "expected at most 128 KiB of WGSL"),
    ] {
        let message = message(&text);
        assert!(message.contains(expected), "{message}");
        assert!(message.len() < 1000, "{}", message.len());
    }
    // A table of some size is none of these.
    let table = "vec3f(-1.0, 2.0 * 3.0, -(4.0)), ".repeat(1000);
    parse(&format!("const table = array({table}); {}", effect("")));
}

#[test]
fn files_are_read_from_disk_and_named_in_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wave.wgsl");
    std::fs::write(&path, WAVE).unwrap();
    let wave = Custom::load(&path).unwrap();
    assert_eq!((wave.path(), wave.name()), (Some(path.as_path()), path.to_str().unwrap()));
    assert_eq!(wave.fields(), parse(WAVE).fields());
    std::fs::write(&path, b"// a\n// \xc3\xa9 \xff\n").unwrap();
    let error = Custom::load(&path).unwrap_err().to_string();
    assert!(error.contains("wave.wgsl:2:6: expected UTF-8 text but found the byte 0xff\n"), "{error}");
    assert_eq!(Custom::load(&folder.path().join("none.wgsl")).unwrap_err().kind().name(), "NotFoundError");
    assert_eq!(Custom::load(folder.path()).unwrap_err().kind().name(), "NotReadableError");
}

#[test]
fn damaged_files_are_errors_and_what_is_accepted_can_be_renamed() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 33) as usize % below
    };
    let pieces = [
        "{",
        "}",
        "(",
        ")",
        "<",
        ">",
        ";",
        ",",
        ".",
        "@",
        "/*",
        "*/",
        "//",
        "\n",
        "\r",
        "\t",
        "é",
        "\u{2028}",
        "\0",
        "1e9",
        "0x",
        "fn",
        "struct",
        "Params",
        "params",
        "var",
        "<private>",
        "const",
        "alias",
        "effect",
        "image",
        "sample",
        "previous",
        "frame",
        "vec4f",
        "f32",
        "array<f32, 3>",
        "return",
        "loop",
        "if",
        "else",
        "switch",
        "wave",
        "strength",
        "Offset",
        "calls",
        "u",
        "= 1",
        "&",
        "*",
        "-",
        "bitcast<u32>",
        "ptr<function, f32>",
        "//#",
        "1",
        "user0_",
        "let",
        "for",
        ":",
        "i32",
        "/ 0",
        "% 0",
        "<< 99",
    ];
    let mut accepted = 0;
    for round in 0..20_000 {
        let mut bytes = [WAVE, GREY, PLASMA][round % 3].as_bytes().to_vec();
        for _ in 0..[1, 1, 2, 4][next(4)] {
            let at = next(bytes.len() + 1);
            match next(4) {
                0 => drop(bytes.splice(at..at, pieces[next(pieces.len())].bytes())),
                1 => drop(bytes.drain(at..(at + next(8)).min(bytes.len()))),
                2 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = next(256) as u8),
                _ => {
                    // A word for another one.
                    let end = (at + 1 + next(6)).min(bytes.len());
                    drop(bytes.splice(at..end, pieces[next(pieces.len())].bytes()));
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        match Custom::parse("wave.wgsl", &text) {
            Ok(custom) => {
                accepted += 1;
                if let Some(fault) = together(&[custom.wgsl("user0_"), custom.wgsl("user1_")]) {
                    panic!("{text}\n{fault}");
                }
            }
            Err(error) => assert!(error.to_string().starts_with("wave.wgsl:"), "{text}\n{error}"),
        }
    }
    assert!((500..19_500).contains(&accepted), "{accepted} accepted");
}
