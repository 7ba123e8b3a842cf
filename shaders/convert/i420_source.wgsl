// The source's samples, or those of an earlier pass.

@group(0) @binding(2) var<storage, read> source: array<vec4u>;

// Sixteen samples of a plane's row, from column 16 * x on, four a word.
fn sixteen(plane: u32, x: u32, row: u32) -> vec4u {
    return source[place_of_sixteen(frame.input_size, plane, x, row)];
}
