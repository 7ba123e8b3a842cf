// A pass that only takes its pixels from the picture.

fn fetch(block: vec2u) -> Block {
    var colors: Block;
    for (var i = 0u; i < 8u; i++) {
        colors[i] = load_inside(min(pixel(block, i), frame.input_size - 1u));
    }
    return colors;
}
