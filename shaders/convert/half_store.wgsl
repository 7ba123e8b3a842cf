// Writes a pass's picture for the next, premultiplied, in half floats.

@group(0) @binding(3) var output: texture_storage_2d<rgba16float, write>;

fn store_pixel(at: vec2u, color: vec4f) {
    if all(at < frame.output_size) {
        textureStore(output, at, color);
    }
}
