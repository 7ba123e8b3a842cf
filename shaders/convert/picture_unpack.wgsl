// A pass that only takes its pixels from the picture.

fn fetch(block: vec2u) -> Block {
    var colors: Block;
    for (var i = 0u; i < PIXELS; i++) {
        colors[i] = load(place(pixel(block, i)));
    }
    return colors;
}
