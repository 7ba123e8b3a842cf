// YUV to RGB. `chroma_rows` gives the chroma of a row of four pixels, by the subsampling; both read samples through
// `luma_word` and `chroma_word`, which depend on the memory layout.

struct ChromaRows {
    u: array<vec4f, 2>,
    v: array<vec4f, 2>,
}

fn fetch(block: vec2u) -> Block {
    let row = block.y * 2u;
    let chroma = chroma_rows(block);
    var colors: Block;
    for (var r = 0u; r < 2u; r++) {
        let y = luma_word(block.x, min(row + r, frame.input_size.y - 1u));
        let u = chroma.u[r];
        let v = chroma.v[r];
        for (var i = 0u; i < 4u; i++) {
            colors[r * 4u + i] = to_rgb(y[i], u[i], v[i]);
        }
    }
    return colors;
}
