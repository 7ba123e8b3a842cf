// Stores four pixels of a row at once, if they are in the picture.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;

fn store_four(at: vec2u, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
    if all(at < frame.output_size) {
        let place = place_of(at);
        store(place, chroma_stored(place, at.x, first, second, third, fourth));
    }
}
