// A texture of the program's own, premultiplied. Formats that end in `-srgb` are decoded when they are read; filters
// work on encoded values, so those are encoded again (IEC 61966-2-1). The constant LINEAR is true for them.

@group(0) @binding(2) var drawn: texture_2d<f32>;

fn encoded(color: vec4f) -> vec4f {
    let straight = color.rgb / max(color.a, 1e-6);
    let curve = 1.055 * pow(max(straight, vec3f(0.0)), vec3f(1.0 / 2.4)) - 0.055;
    let srgb = select(curve, 12.92 * straight, straight <= vec3f(0.0031308));
    return vec4f(srgb * color.a, color.a);
}

fn fetch(block: vec2u) -> Block {
    var colors: Block;
    for (var i = 0u; i < 8u; i++) {
        let color = textureLoad(drawn, min(pixel(block, i), frame.input_size - 1u), 0);
        colors[i] = color;
        if LINEAR {
            colors[i] = encoded(color);
        }
    }
    return colors;
}
