//! Users' WGSL that would end the process, or a driver's compiler.

use crate::limited::{Parser, outcome, refusal};

fn effect(body: &str) -> String {
    format!("fn effect(p: vec2f) -> vec4f {{ {body} return vec4f(); }}")
}

#[test]
fn huge_arrays_in_constant_expressions_are_refused() {
    for text in [
        "fn image(p: vec2f) -> vec4f { return vec4f(-array<f32, 4000000000>()); }".to_owned(),
        effect("let a = -array<f32, 4000000000>();"),
        effect("let a = -array<array<f32, 60000>, 60000>();"),
        format!("const N = 30000 * 30000; {}", effect("let a = -array<f32, N>();")),
        format!("const N = 60000 * 60000; {}", effect("let a = -array<f32, N>();")),
        format!("const N = 1 << 30; {}", effect("let a = -array<f32, N>();")),
        format!("const N = ((0u - 1u) / 2u) + 1u; {}", effect("let a = -array<f32, N>();")),
        effect("let a = -array<f32, 1 << 2 + 28>();"),
        effect("let a = -array<f32, 4 ^ 1000000000>();"),
        format!("alias A = array<f32, 0x7fffffff>; {}", effect("let a = !A();")),
        format!("struct S {{ a: array<f32, 2000000000> }} {}", effect("let a = S() == S();")),
        format!("const a = array<vec4f, 1000000000>(); {}", effect("let b = select(a, a, true);")),
        effect("let a = abs(array<f32, 4000000000>());"),
        effect("let a = f32(array<f32, 4000000000>());"),
        effect("let a = vec4f(array<f32, 4000000000>());"),
        effect("let a = array<f32, 4000000000>() + 1.0;"),
        effect("let a = array<f32, 4000000000>()[3];"),
        effect("let a = ~array<mat4x4f, 200000000>();"),
        effect("const N = 2000000000; let a = -array<f32, N>();"),
        effect("var a: array<f32, 4> = -array<f32, /* */ 2000000000 // \n>();"),
    ] {
        let error = refusal(Parser::Wgsl, text.as_bytes());
        assert!(error.contains("64 KiB") || error.contains("whole number"), "{text}: {error}");
    }
}

#[test]
fn constants_and_types_that_double_are_refused() {
    let chain = |first: &str, next: &dyn Fn(usize) -> String, body: &str| {
        format!("{first} {} {}", (1..40).map(next).collect::<String>(), effect(body))
    };
    let twice = |i: usize| format!("const a{i} = array(a{0}, a{0}); ", i - 1);
    for text in [
        chain("const a0 = array(1.0, 1.0);", &twice, "let b = -a39;"),
        chain("const a0 = array(1.0, 1.0);", &twice, "let b = a39[0];"),
        chain("const a0 = array(1, 1);", &twice, "var b = a39; var c: array<f32, 2> = a0;"),
        // In the reverse order, and within a function.
        format!(
            "{} const a0 = array(1.0, 1.0); {}",
            (1..40).rev().map(twice).collect::<String>(),
            effect("let b = -a39;")
        ),
        effect(&format!("const a0 = array(1.0, 1.0); {} let b = -a39;", (1..40).map(twice).collect::<String>())),
        chain(
            "struct S0 { a: f32, b: f32 }",
            &|i| format!("struct S{i} {{ a: S{0}, b: S{0} }} ", i - 1),
            "let b = -S39();",
        ),
        chain("alias A0 = array<f32, 2>;", &|i| format!("alias A{i} = array<A{0}, 2>; ", i - 1), "let b = -A39();"),
    ] {
        let error = refusal(Parser::Wgsl, text.as_bytes());
        assert!(error.contains("64 KiB"), "{error}");
    }
}

#[test]
fn a_large_constant_that_is_used_often_is_refused_and_used_as_tables_are_is_not() {
    let table = format!("const t = array({});", "vec4f(1.0, 2.0, 3.0, -4.0),".repeat(1000));
    let often = format!("{table} {}", effect(&format!("var a = 0.0; {}", "a += t[5].x;".repeat(3000))));
    assert!(refusal(Parser::Wgsl, often.as_bytes()).contains("evaluated in at most 1048576 steps"));
    let now_and_then = format!("{table} {}", effect(&format!("var a = 0.0; {}", "a += t[u32(p.x)].x;".repeat(30))));
    let outcome = outcome(Parser::Wgsl, now_and_then.as_bytes());
    println!("{outcome:?}");
    assert!(outcome.said.is_ok() && outcome.peak < 300 << 20, "{outcome:?}");
}

#[test]
fn arrays_and_constants_as_people_write_them_are_accepted() {
    for text in [
        "const N = 3; const M = N * N; const KERNEL = array<f32, M>(1, 2, 1, 2, 4, 2, 1, 2, 1);
         fn effect(p: vec2f) -> vec4f { var sum = vec4f(); for (var i = 0; i < M; i++) {
         sum += KERNEL[i] * sample(p + vec2f(vec2i(i % N, i / N) - 1)); } return sum / 16.0; }",
        "const OFFSETS = array(vec2f(-1, 0), vec2f(1, 0), vec2f(0, 1)); const SIDE = 32u;
         var<private> grid: array<array<f32, SIDE>, SIDE>; struct Ray { start: vec3f, end: vec3f, hits: array<u32, 4> }
         fn effect(p: vec2f) -> vec4f { var ray = Ray(vec3f(p, 0), vec3f(), array(1u, 2u, 3u, 4u)); grid[3][4] = 1.0;
         let m = mat3x3f(1, 0, 0, 0, 1, 0, 0, 0, 1) * mat3x3f(); return vec4f(OFFSETS[ray.hits[1] % 3], grid[3][4], m[0][0]); }",
        "fn image(p: vec2f) -> vec4f { const x = 1.0; const y = x * 2.0; let x2 = y; var a = array<vec4f, (2 + 2)>();
         a[1] = vec4<f32>(x2); return a[1]; }",
        "const x = 2.0; fn f(y: f32) -> f32 { const z = x; return y * z; } fn image(p: vec2f) -> vec4f { let x = f(p.x); return vec4f(x); }",
    ] {
        println!("{}", outcome(Parser::Wgsl, text.as_bytes()).said.unwrap());
    }
}

#[test]
fn calls_that_double_are_refused_with_their_number_and_the_limit() {
    let calls = |count: usize| -> String {
        let twice = |i| format!("fn f{i}(x: f32) -> f32 {{ return f{0}(x) + f{0}(x); }} ", i - 1);
        format!("fn f0(x: f32) -> f32 {{ return x; }} {}", (1..count).map(twice).collect::<String>())
    };
    let text = format!("{}{}", calls(30), effect("let y = f29(p.x);"));
    assert!(text.len() < 2048);
    let error = refusal(Parser::Wgsl, text.as_bytes());
    assert!(error.contains("expected at most 512 calls a pixel in `effect` but found 1073741823"), "{error}");
    assert!(outcome(Parser::Wgsl, format!("{}{}", calls(9), effect("let y = f8(p.x);")).as_bytes()).said.is_ok());
    let long = format!("fn long(x: f32) -> f32 {{ var a = x; {} return a; }}", "a = a * x + 1.0;".repeat(500));
    let text = format!("{long} {}", effect("let y = long(p.x);"));
    assert!(outcome(Parser::Wgsl, text.as_bytes()).said.is_ok());
    let text = format!("{long} {}", effect(&format!("var y = 1.0; {}", "y = long(y);".repeat(100))));
    let error = refusal(Parser::Wgsl, text.as_bytes());
    assert!(error.contains("expected at most 32768 expressions and statements a pixel in `effect`"), "{error}");
}

#[test]
fn the_largest_file_of_any_pattern_is_judged_in_time() {
    let patterns = [
        "var<",
        "/*",
        "//",
        "a",
        "0",
        "0.",
        "(",
        "[",
        "a<",
        "a<a,",
        "{",
        "}",
        "<",
        ">",
        "@",
        "é",
        "-",
        ".x",
        "\n",
        "fn f(",
        "fn f",
        "workgroupBarrier(",
        "fn workgroupBarrier() {} workgroupBarrier(",
        "var a: f32;",
        "const a = 1;",
        "const a",
        "struct S {",
        "struct Params {a: f32,}",
        "alias A = array<f32, 4>;",
        "array<",
        "array(",
        "array<f32, ",
        "a=a+a;",
        "if x {} ",
        "else ",
        "switch x { default {} }",
        "case 1: {}",
        "loop {",
        "for (;;) {",
        "let a = 1;",
        "params.",
        "previous(",
        "sample(",
    ];
    for pattern in patterns {
        let repeated = pattern.repeat((128 << 10) / pattern.len());
        refusal(Parser::Wgsl, repeated.as_bytes());
        for around in ["fn effect(p: vec2f) -> vec4f { ", "struct Params { a: f32, "] {
            let mut text = format!("{around}{repeated}");
            text.truncate((0..=128 << 10).rev().find(|&at| text.is_char_boundary(at)).unwrap());
            refusal(Parser::Wgsl, text.as_bytes());
        }
    }
    assert!(
        refusal(Parser::Wgsl, "a".repeat(1 << 20).as_bytes())
            .contains("expected at most 128 KiB of WGSL but found 1024")
    );
}

#[test]
fn functions_of_many_operations_are_refused_before_nagas_time_grows_with_their_square() {
    for operation in ["pow(2,2)+", "max(1.0,2.0)*", "p.x-", "m*", "t[3]+", "vec2f(1).x+"] {
        let consts =
            "const m = mat4x4f(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1); const t = array(1.0, 2.0, 3.0, 4.0);";
        let statement = |index: usize| format!("_ = {0}{0}1;", operation.repeat(if index == 0 { 0 } else { 25 }));
        for count in [50, 200, 400, 800, 1600] {
            let body: String = (1..count).map(statement).collect();
            let outcome = outcome(Parser::Wgsl, format!("{consts} {}", effect(&body)).as_bytes());
            println!("{operation} {count}: {:?}, {} MiB, {:?}", outcome.time, outcome.peak >> 20, outcome.said);
        }
    }
    let many = effect(&"_ = p.x + 1.0;".repeat(9000));
    assert!(
        refusal(Parser::Wgsl, many.as_bytes())
            .contains("expected at most 24576 operators, accesses and calls in a function")
    );
    let parameters: String = (0..255).map(|index| format!("a{index}: f32,")).collect();
    let calls = format!("f({});", "1,".repeat(255)).repeat(240);
    let many = format!("fn f({parameters}) {{}} {}", effect(&calls));
    assert!(refusal(Parser::Wgsl, many.as_bytes()).contains("operators, accesses and calls in a function"));
    let many: String =
        (0..100).map(|index| format!("const c{index} = 1.0{}; fn f{index}_() {{}}", "+1".repeat(390))).collect();
    assert!(refusal(Parser::Wgsl, many.as_bytes()).contains("operators, accesses and calls outside functions"));
}

#[test]
fn large_files_that_are_good_wgsl_are_judged_in_time() {
    let times = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<String>();
    for text in [
        format!(
            "{}{}",
            times(990, &|i| format!(
                "fn g{i}(x: f32) -> f32 {{ {} return x; }} ",
                "let a = x * 2.0 + 1.0; ".repeat(8).replace("let a", "_")
            )),
            effect("")
        ),
        format!("{}{}", times(990, &|i| format!("const c{i} = array(1, 2, 3, 4, 5, 6, 7, 8, 9, {i}); ")), effect("")),
        format!("struct Params {{ {} }} {}", times(256, &|i| format!("a{i}: f32, // {i}\n")), effect("")),
        format!(
            "struct S {{ {} }} {}",
            times(4000, &|i| format!("a{i}: f32, ")),
            effect(&format!("var s: S; {}", times(4000, &|i| format!("s.a{i} = 1.0; "))))
        ),
        effect(&times(5000, &|i| format!("let a{i} = p.x * {i}.0; "))),
        effect(&format!("switch i32(p.x) {{ {} default: {{}} }}", times(5000, &|i| format!("case {i}: {{ }} ")))),
        format!("{}{}", times(400, &|i| format!("alias A{i} = vec4f; var<private> v{i}: A{i}; ")), effect("")),
    ] {
        let outcome = outcome(Parser::Wgsl, text.as_bytes());
        println!("{} KiB: {:?} {} MiB {:?}", text.len() >> 10, outcome.time, outcome.peak >> 20, outcome.said);
    }
}
