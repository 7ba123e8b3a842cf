// The source frame's bytes, every row padded to whole words.

@group(0) @binding(2) var<storage, read> source: array<u32>;

// Four bytes of a plane's row, from column 4 * word on, as 0–1.
fn word(plane: u32, word: u32, row: u32) -> vec4f {
    return unpack4x8unorm(source[frame.plane_offset[plane] + row * frame.plane_stride[plane] + word]);
}
