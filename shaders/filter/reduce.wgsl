// The mean of FACTOR² pixels, the picture moved by params[0].yz.

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if any(id.xy >= frame.output_size) {
        return;
    }
    let first = place(id.xy) * FACTOR - vec2i(params[0].yz);
    var sum = vec4f(0.0);
    for (var y = 0; y < FACTOR; y++) {
        for (var x = 0; x < FACTOR; x++) {
            sum += load(first + vec2i(x, y));
        }
    }
    store_pixel(id.xy, sum / f32(FACTOR * FACTOR));
}
