// Four neighbours of a row of a plane as a word. With DITHERED, means that later passes take of them stay.
fn packed(at: vec2u, four: vec4f) -> u32 {
    if DITHERED {
        return pack_bytes(four + dither_four(at));
    }
    return pack_bytes(four);
}
