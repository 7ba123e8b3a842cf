// The samples of planes, multiplied by the pass's points.

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let at = id.xy * BLOCK;
    if all(at < plane_size(FIRST_PLANE)) {
        let plane = FIRST_PLANE + id.z;
        store_sixteen(plane, id.x, id.y, scaled_words(at, samples(plane, i32(id.x), i32(id.y))));
    }
}
