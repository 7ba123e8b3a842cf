// A texture of the program's own, premultiplied. Formats that end in `-srgb` are decoded when they are read; filters
// work on encoded values, so those are encoded again (`srgb`). The constant LINEAR is true for them.

@group(0) @binding(2) var drawn: texture_2d<f32>;

fn fetch(block: vec2u) -> Block {
    var colors: Block;
    for (var i = 0u; i < PIXELS; i++) {
        let color = textureLoad(drawn, min(pixel(block, i), frame.input_size - 1u), 0);
        colors[i] = color;
        if LINEAR {
            colors[i] = encoded(color);
        }
    }
    return colors;
}
