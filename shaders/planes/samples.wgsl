// How passes read planes, sixteen samples at once.

fn plane_size(plane: u32) -> vec2u {
    return select((frame.input_size + 1u) / 2u, frame.input_size, plane == 0u);
}

// Four samples of a word, as 0–1.
fn values(word: u32) -> vec4f {
    return unpack4x8unorm(word);
}

// Sixteen samples from column 16 * x on. Beyond the plane they are those of the border if EDGE_CLAMP is set, else black.
fn samples(plane: u32, x: i32, y: i32) -> vec4u {
    let last = vec2i(plane_size(plane)) - 1;
    let row = clamp(y, 0, last.y);
    let words = sixteen(plane, u32(clamp(x, 0, last.x / 16)), u32(row));
    // How many bytes of each word are in the plane.
    let inside = select(vec4i(0), clamp(last.x + 1 - 16 * x - vec4i(0, 4, 8, 12), vec4i(0), vec4i(4)), x >= 0);
    var mask = select((vec4u(1) << vec4u(8 * inside)) - 1u, vec4u(0xffffffffu), inside == vec4i(4));
    var outside: u32;
    if EDGE_CLAMP {
        let nearest = select(last.x % 16, 0, x < 0);
        let upper = select(words.xy, words.zw, nearest >= 8);
        let word = select(upper.x, upper.y, nearest % 8 >= 4);
        outside = ((word >> u32(8 * (nearest % 4))) & 0xffu) * 0x01010101u;
    } else {
        mask = select(vec4u(0), mask, row == y);
        let black = select(frame.rgb_to_yuv[1].w, frame.rgb_to_yuv[0].w, plane == 0u);
        outside = pack4x8unorm(vec4f(black));
    }
    return (words & mask) | (vec4u(outside) & ~mask);
}
