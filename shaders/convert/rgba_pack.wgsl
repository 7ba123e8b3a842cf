// The end of a pass that makes a still: RGBA with straight alpha, a word a pixel, no padding.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let block = id.xy;
    if any(block * BLOCK >= frame.output_size) {
        return;
    }
    let colors = filtered(block);
    for (var i = 0u; i < 8u; i++) {
        let at = pixel(block, i);
        if all(at < frame.output_size) {
            let color = colors[i];
            let straight = vec4f(color.rgb / max(color.a, 1e-6), color.a);
            output[at.y * frame.output_size.x + at.x] = pack4x8unorm(straight);
        }
    }
}
