// A plane for each of Y, U and V: four neighbouring samples are a word.

fn luma_word(x: u32, row: u32) -> vec4f {
    return word(0u, x, row);
}

fn chroma_word(plane: u32, x: u32, row: u32) -> vec4f {
    return word(plane, x, row);
}
