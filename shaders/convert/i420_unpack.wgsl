// 4:2:0 film of 8 bits in three planes to RGB, in blocks of 16×2 pixels: sixteen samples of a plane are one read, because
// what llvmpipe charges for is each access. Chroma is interpolated linearly from the positions of its samples;
// the filters of `low_pass` recover exactly these samples.

// The chroma of a row of a block: its eight samples, and the ones left and right of them.
struct Samples {
    left: f32,
    first: vec4f,
    second: vec4f,
    right: f32,
}

fn samples_at(plane: u32, x: u32, row: u32) -> Samples {
    let last = (frame.input_size.x + 1u) / 2u - 1u;
    // A read is the chroma of two blocks; the sample beside this one's is in the read before or after it.
    let at = x / 2u;
    let is_left = x % 2u == 0u;
    let here = sixteen(plane, at, row);
    let beside = sixteen(plane, select(min(at + 1u, last / 16u), max(at, 1u) - 1u, is_left), row);
    let before = unpack4x8unorm(select(here.y, beside.w, is_left)).w;
    let after = unpack4x8unorm(select(beside.x, here.z, is_left)).x;
    var a = unpack4x8unorm(select(here.z, here.x, is_left));
    var b = unpack4x8unorm(select(here.w, here.y, is_left));
    // Past the right edge the last sample repeats.
    let first = x * 8u;
    a.y = select(a.y, a.x, first + 1u > last);
    a.z = select(a.z, a.y, first + 2u > last);
    a.w = select(a.w, a.z, first + 3u > last);
    b.x = select(b.x, a.w, first + 4u > last);
    b.y = select(b.y, b.x, first + 5u > last);
    b.z = select(b.z, b.y, first + 6u > last);
    b.w = select(b.w, b.z, first + 7u > last);
    return Samples(select(before, a.x, x == 0u), a, b, select(after, b.w, first + 8u > last));
}

// A row of a block between two rows of samples, four pixels a column.
fn between(here: Samples, there: Samples, share: f32) -> mat4x4f {
    let left = mix(here.left, there.left, share);
    let a = mix(here.first, there.first, share);
    let b = mix(here.second, there.second, share);
    let right = mix(here.right, there.right, share);
    return mat4x4f(
        across(vec4f(left, a.xyz)),
        across(vec4f(a.yzw, b.x)),
        across(vec4f(a.w, b.xyz)),
        across(vec4f(b.yzw, right)),
    );
}

struct Chroma {
    upper: mat4x4f,
    lower: mat4x4f,
}

fn chroma_at(plane: u32, block: vec2u) -> Chroma {
    let last = (frame.input_size.y + 1u) / 2u - 1u;
    let above = samples_at(plane, block.x, max(block.y, 1u) - 1u);
    let here = samples_at(plane, block.x, block.y);
    let below = samples_at(plane, block.x, min(block.y + 1u, last));
    let near = frame.siting.y * 0.5;
    return Chroma(between(here, above, near), between(here, below, 0.5 - near));
}

// Four pixels of a row.
fn four(luma: u32, u: vec4f, v: vec4f) -> mat4x4f {
    let y = unpack4x8unorm(luma);
    return mat4x4f(to_rgb(y.x, u.x, v.x), to_rgb(y.y, u.y, v.y), to_rgb(y.z, u.z, v.z), to_rgb(y.w, u.w, v.w));
}

fn fetch(block: vec2u) -> Block {
    let row = block.y * 2u;
    let upper = sixteen(0u, block.x, row);
    let lower = sixteen(0u, block.x, min(row + 1u, frame.input_size.y - 1u));
    let u = chroma_at(1u, block);
    let v = chroma_at(2u, block);
    let a = four(upper.x, u.upper[0], v.upper[0]);
    let b = four(upper.y, u.upper[1], v.upper[1]);
    let c = four(upper.z, u.upper[2], v.upper[2]);
    let d = four(upper.w, u.upper[3], v.upper[3]);
    let e = four(lower.x, u.lower[0], v.lower[0]);
    let f = four(lower.y, u.lower[1], v.lower[1]);
    let g = four(lower.z, u.lower[2], v.lower[2]);
    let h = four(lower.w, u.lower[3], v.lower[3]);
    return Block(
        a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3], c[0], c[1], c[2], c[3], d[0], d[1], d[2], d[3],
        e[0], e[1], e[2], e[3], f[0], f[1], f[2], f[3], g[0], g[1], g[2], g[3], h[0], h[1], h[2], h[3],
    );
}
