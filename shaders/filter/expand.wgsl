// Enlarges a reduced picture by params[0].x, linearly. `fetch` is written out after this file: each reduced pixel that a block
// lies between is read once.

// At a position between three neighbours, counted from the first one: up to 2.
fn between(at: f32, a: vec4f, b: vec4f, c: vec4f) -> vec4f {
    return max(0.0, 1.0 - at) * a + (1.0 - abs(at - 1.0)) * b + max(0.0, at - 1.0) * c;
}

// The upper and the lower pixels of a block in a column of reduced pixels.
struct Column {
    upper: vec4f,
    lower: vec4f,
}

fn column(first: vec2i, down: f32, pixel: f32) -> Column {
    let a = load(first);
    let b = load(first + vec2i(0, 1));
    let c = load(first + vec2i(0, 2));
    return Column(between(down, a, b, c), between(down + pixel, a, b, c));
}
