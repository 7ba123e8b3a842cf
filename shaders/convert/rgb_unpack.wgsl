// RGB, opaque: three bytes a pixel, so four pixels are three words.

fn fetch(block: vec2u) -> Block {
    var colors: Block;
    for (var r = 0u; r < 2u; r++) {
        let row = min(block.y * 2u + r, frame.input_size.y - 1u);
        let a = word(0u, block.x * 3u, row);
        let b = word(0u, block.x * 3u + 1u, row);
        let c = word(0u, block.x * 3u + 2u, row);
        colors[r * 4u] = vec4f(to_sdr(a.xyz), 1.0);
        colors[r * 4u + 1u] = vec4f(to_sdr(vec3f(a.w, b.xy)), 1.0);
        colors[r * 4u + 2u] = vec4f(to_sdr(vec3f(b.zw, c.x)), 1.0);
        colors[r * 4u + 3u] = vec4f(to_sdr(c.yzw), 1.0);
    }
    return colors;
}
