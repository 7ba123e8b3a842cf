// NV12: a plane of Y, and one where U and V alternate, two of each in a word.

fn luma_word(x: u32, row: u32) -> vec4f {
    return word(0u, x, row);
}

fn chroma_word(plane: u32, x: u32, row: u32) -> vec4f {
    let left = word(1u, x * 2u, row);
    let right = word(1u, x * 2u + 1u, row);
    return select(vec4f(left.xz, right.xz), vec4f(left.yw, right.yw), plane == 2u);
}
