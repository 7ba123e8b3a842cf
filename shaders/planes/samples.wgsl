// How passes read planes, sixteen samples at once. Beyond a plane the samples are those of the border if EDGE_CLAMP is set,
// else black.

fn plane_size(plane: u32) -> vec2u {
    return select((frame.input_size + 1u) / 2u, frame.input_size, plane == 0u);
}

// Four samples of a word, as 0–1.
fn values(word: u32) -> vec4f {
    return unpack4x8unorm(word);
}

// The nearest sixteen samples that begin at a column 16 * x.
fn nearest(plane: u32, x: i32, y: i32) -> vec4u {
    let last = vec2i(plane_size(plane)) - 1;
    return sixteen(plane, u32(clamp(x, 0, last.x / 16)), u32(clamp(y, 0, last.y)));
}

// The bits of the first `count` of sixteen bytes, which may be less than none or more than all.
fn first_bytes(count: i32) -> vec4u {
    let bytes = clamp(count - vec4i(0, 4, 8, 12), vec4i(0), vec4i(4));
    return select((vec4u(1) << vec4u(8 * bytes)) - 1u, vec4u(0xffffffffu), bytes == vec4i(4));
}

// The bits of those of sixteen samples from column 16 * x on that are within the plane.
fn inside(plane: u32, x: i32) -> vec4u {
    return first_bytes(select(0, i32(plane_size(plane).x) - 16 * x, x >= 0));
}

// The border's sample in each byte, from `words`, which are the nearest to column 16 * x.
fn border(words: vec4u, plane: u32, x: i32) -> vec4u {
    let last = i32(plane_size(plane).x) - 1;
    let at = select(last % 16, 0, x < 0);
    let upper = select(words.xy, words.zw, at >= 8);
    let word = select(upper.x, upper.y, at % 8 >= 4);
    return vec4u(((word >> u32(8 * (at % 4))) & 0xffu) * 0x01010101u);
}

fn black(plane: u32) -> vec4u {
    return vec4u(pack4x8unorm(vec4f(select(frame.rgb_to_yuv[1].w, frame.rgb_to_yuv[0].w, plane == 0u))));
}

fn is_row(plane: u32, y: i32) -> bool {
    return y >= 0 && y < i32(plane_size(plane).y);
}

// Sixteen samples from column 16 * x on.
fn samples(plane: u32, x: i32, y: i32) -> vec4u {
    if EDGE_CLAMP {
        return samples_of_row(plane, x, y);
    }
    let mask = inside(plane, x);
    return select(black(plane), (nearest(plane, x, y) & mask) | (black(plane) & ~mask), is_row(plane, y));
}

// The same with the border's samples left and right of the plane, whatever the edge.
fn samples_of_row(plane: u32, x: i32, y: i32) -> vec4u {
    let words = nearest(plane, x, y);
    let mask = inside(plane, x);
    return select(black(plane), (words & mask) | (border(words, plane, x) & ~mask), EDGE_CLAMP || is_row(plane, y));
}
