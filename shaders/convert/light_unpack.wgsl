// The light of all sub-frames of a frame, which `light_store` added up: their mean, encoded for what follows.
// `frame.weight` is 1 through the number of sub-frames.

@group(0) @binding(2) var<storage, read> source: array<vec4f>;

fn fetch(block: vec2u) -> Block {
    var colors: Block;
    for (var i = 0u; i < PIXELS; i++) {
        let at = min(pixel(block, i), frame.input_size - 1u);
        colors[i] = encoded(frame.weight * source[at.y * frame.input_size.x + at.x]);
    }
    return colors;
}
