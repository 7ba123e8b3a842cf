// A plane for each of Y, U and V, with samples of more than 8 bits: two in a word, the first in its lower half. Here the
// code 65535 is 1; the matrix `yuv_to_rgb` is made for it.

fn samples(plane: u32, x: u32, row: u32) -> vec4f {
    let at = frame.plane_offset[plane] + row * frame.plane_stride[plane] + x * 2u;
    return vec4f(unpack2x16unorm(source[at]), unpack2x16unorm(source[at + 1u]));
}

fn luma_word(x: u32, row: u32) -> vec4f {
    return samples(0u, x, row);
}

fn chroma_word(plane: u32, x: u32, row: u32) -> vec4f {
    return samples(plane, x, row);
}
