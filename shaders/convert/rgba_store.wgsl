// Stores a pixel of a still: RGBA with straight alpha, a word a pixel, no padding.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;

fn store_pixel(at: vec2u, color: vec4f) {
    if all(at < frame.output_size) {
        let straight = vec4f(color.rgb / max(color.a, 1e-6), color.a);
        output[at.y * frame.output_size.x + at.x] = pack4x8unorm(straight);
    }
}
