// The end of a pass whose picture another pass reads.

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let block = id.xy;
    if any(block * vec2u(4u, 2u) >= frame.output_size) {
        return;
    }
    let colors = filtered(block);
    for (var i = 0u; i < 8u; i++) {
        store(pixel(block, i), colors[i]);
    }
}
