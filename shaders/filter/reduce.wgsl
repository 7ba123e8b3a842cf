// The mean of params[0].x² pixels, with params[0].y pixels more around than the input covers, moved by params[0].zw.

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if any(id.xy >= frame.output_size) {
        return;
    }
    let factor = i32(params[0].x);
    let first = (vec2i(id.xy) - i32(params[0].y)) * factor - vec2i(params[0].zw);
    var sum = vec4f(0.0);
    for (var y = 0; y < factor; y++) {
        for (var x = 0; x < factor; x++) {
            sum += load(first + vec2i(x, y));
        }
    }
    store(id.xy, sum / f32(factor * factor));
}
