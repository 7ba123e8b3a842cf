// RGBA with straight alpha, as stills and drawings have it: a word a pixel.

fn fetch(block: vec2u) -> Block {
    var colors: Block;
    for (var i = 0u; i < 8u; i++) {
        let at = min(pixel(block, i), frame.input_size - 1u);
        let color = word(0u, at.x, at.y);
        colors[i] = vec4f(color.rgb * color.a, color.a);
    }
    return colors;
}
