// A blur of planes along rows or columns. `blurred`, which blurs sixteen samples of a row or of four rows, is written out
// after this file: params has the weights of each input sample for four neighbours along the axis.

// Four neighbours of a row as a word.
fn rounded(at: vec2u, four: vec4f) -> u32 {
    return packed(at, scaled(at, four));
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if all(id.xy * BLOCK < plane_size(FIRST_PLANE)) {
        blurred(FIRST_PLANE + id.z, id.x, id.y);
    }
}
