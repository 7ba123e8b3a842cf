// Adds the light of a sub-frame of motion blur to that of the sub-frames before it, as often as its weight says. Light is
// linear, premultiplied and in full floats, so that 64 sub-frames of one picture give that picture. The first sub-frame
// of a frame (`frame.exposed` is 0) replaces what the buffer held.
//
// With OVER_BLACK the picture is recorded without transparency: then each sub-frame is laid over black, as a recording
// of it alone would be, before light is added up.

@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

fn store_pixel(at: vec2u, premultiplied: vec4f) {
    if all(at < frame.output_size) {
        let place = at.y * frame.output_size.x + at.x;
        let color = select(premultiplied, vec4f(premultiplied.rgb, 1.0), OVER_BLACK);
        // Not a product with 0: the buffer may hold what is no number.
        let before = select(vec4f(0.0), output[place], frame.exposed != 0u);
        output[place] = before + frame.weight * decoded(color);
    }
}
