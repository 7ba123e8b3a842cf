// Flips or mirrors planes of an even size about their middle: ACROSS and DOWN say which part is reflected: nothing (0), the
// first half (1), the second (2) or all (3). `reflected`, sixteen samples from right to left, is written out after this file.

// The four bytes of a word in reverse.
fn swapped(word: u32) -> u32 {
    let pairs = ((word & 0x00ff00ffu) << 8u) | ((word >> 8u) & 0x00ff00ffu);
    return (pairs << 16u) | (pairs >> 16u);
}

// Chroma samples are on the left of two pixels, after a reflection on the right: between two samples. This is what
// interpolating them to full size and downsampling that on the left comes to.
fn between(a: u32, b: u32, c: u32, d: u32) -> u32 {
    return pack_bytes(0.5625 * (values(b) + values(c)) - 0.0625 * (values(a) + values(d)));
}

fn is_reflected(part: u32, at: i32, length: i32) -> bool {
    let is_first = 2 * at < length;
    return part == 3u || part == select(2u, 1u, is_first);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let size = vec2i(plane_size(FIRST_PLANE));
    let at = vec2i(id.xy * BLOCK);
    if any(at >= size) {
        return;
    }
    let plane = FIRST_PLANE + id.z;
    let row = select(at.y, size.y - 1 - at.y, is_reflected(DOWN, at.y, size.y));
    var words: vec4u;
    if ACROSS != 3u {
        words = samples(plane, i32(id.x), row);
    }
    if ACROSS != 0u {
        let in_first = first_bytes((size.x + 1) / 2 - at.x);
        let mask = select(select(~in_first, in_first, ACROSS == 1u), vec4u(0xffffffffu), ACROSS == 3u);
        words = (words & ~mask) | (reflected(plane, i32(id.x), row) & mask);
    }
    store_sixteen(plane, id.x, id.y, scaled_words(vec2u(at), words));
}
