// A colour matrix on a straight colour (SVG feColorMatrix), three rows and alpha's factor, clamped.

fn color_matrix(color: vec4f, at: u32) -> vec4f {
    let rgb1 = vec4f(color.rgb, 1.0);
    let rgb = vec3f(dot(params[at], rgb1), dot(params[at + 1u], rgb1), dot(params[at + 2u], rgb1));
    return vec4f(saturate(rgb), color.a * params[at + 3u].x);
}
