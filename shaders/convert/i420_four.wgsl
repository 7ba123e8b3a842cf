// Luma, four pixels of a row at once, if they are in the picture.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;

fn store_four(at: vec2u, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
    if all(at < frame.output_size) {
        store(place_of(at), store_chroma(at, first, second, third, fourth));
    }
}
