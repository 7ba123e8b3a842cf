// YUYV: one plane; a word holds Y, U, Y, V of two pixels.

fn luma_word(x: u32, row: u32) -> vec4f {
    return vec4f(word(0u, x * 2u, row).xz, word(0u, x * 2u + 1u, row).xz);
}

fn chroma_word(plane: u32, x: u32, row: u32) -> vec4f {
    var samples: vec4f;
    for (var i = 0u; i < 4u; i++) {
        let pair = word(0u, x * 4u + i, row);
        samples[i] = select(pair.y, pair.w, plane == 2u);
    }
    return samples;
}
