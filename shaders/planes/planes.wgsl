// A pass on planes of 4:2:0 reads and stores sixteen samples at once, of luma (FIRST_PLANE is 0) or of both planes of
// chroma (1), each of which is a layer of invocations.

@group(0) @binding(3) var<storage, read_write> output: array<vec4u>;

// Stores sixteen samples, if the row is in the plane.
fn store_sixteen(plane: u32, x: u32, row: u32, words: vec4u) {
    if row < plane_size(plane).y {
        output[place_of_sixteen(frame.input_size, plane, x, row)] = words;
    }
}
