// The mean of FACTOR² pixels, the picture moved by params[0].yz; four pixels of a row an invocation.

fn mean(at: vec2u) -> vec4f {
    let first = place(at) * FACTOR - vec2i(params[0].yz);
    var sum = vec4f(0.0);
    for (var y = 0; y < FACTOR; y++) {
        for (var x = 0; x < FACTOR; x++) {
            sum += load(first + vec2i(x, y));
        }
    }
    return sum / f32(FACTOR * FACTOR);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let at = id.xy * BLOCK;
    if any(at >= frame.output_size) {
        return;
    }
    store_four(at, mean(at), mean(at + vec2u(1, 0)), mean(at + vec2u(2, 0)), mean(at + vec2u(3, 0)));
}
