// Writes a pass's picture for the next, premultiplied, to the texture `output`.

fn store_pixel(at: vec2u, color: vec4f) {
    if all(at < frame.output_size) {
        textureStore(output, at, select(color, dithered(at, color), BYTES));
    }
}

// The colour moved by less than half of 1/255 before it is rounded, so that a mean of rounded neighbours is the mean of
// what they were. Codes that are whole stay as they are.
fn dithered(at: vec2u, color: vec4f) -> vec4f {
    let eighth = f32((5u * at.x + 3u * at.y) % 8u);
    return color + (eighth - 3.5) / (8.0 * 255.0);
}
