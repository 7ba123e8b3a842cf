// RGBA with straight alpha, the format of stills and drawings: a word a pixel. A canvas keeps colours premultiplied in
// 8 bits, and with strong filters this rounding is visible where little is opaque; so colours are rounded here too.

fn fetch(block: vec2u) -> Block {
    var colors: Block;
    for (var i = 0u; i < 8u; i++) {
        let at = min(pixel(block, i), frame.input_size - 1u);
        let color = word(0u, at.x, at.y);
        colors[i] = vec4f(round(to_sdr(color.rgb) * color.a * 255.0) / 255.0, color.a);
    }
    return colors;
}
