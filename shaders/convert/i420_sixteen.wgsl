// Luma of 8 bits, sixteen pixels of a row at once, if the row is in the picture: those right of it are in the padding.

@group(0) @binding(3) var<storage, read_write> output: array<vec4u>;

alias Sixteen = array<vec4f, 16>;

fn store_sixteen(at: vec2u, colors: Sixteen) {
    if at.y < frame.output_size.y {
        let a = store_chroma(at, colors[0], colors[1], colors[2], colors[3]);
        let b = store_chroma(at + vec2u(4, 0), colors[4], colors[5], colors[6], colors[7]);
        let c = store_chroma(at + vec2u(8, 0), colors[8], colors[9], colors[10], colors[11]);
        let d = store_chroma(at + vec2u(12, 0), colors[12], colors[13], colors[14], colors[15]);
        let luma = vec4u(pack4x8unorm(a), pack4x8unorm(b), pack4x8unorm(c), pack4x8unorm(d));
        output[place_of(at) / 4u] = luma;
    }
}
