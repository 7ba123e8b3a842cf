// Outlines, white on black: the gradient of luminance (Sobel and Feldman 1968). The picture's border is not an outline.

fn edge(position: vec2f, strength: f32) -> vec4f {
    let at = vec2i(floor(position));
    let nw = edge_luma(at + vec2i(-1, -1));
    let n = edge_luma(at + vec2i(0, -1));
    let ne = edge_luma(at + vec2i(1, -1));
    let w = edge_luma(at + vec2i(-1, 0));
    let e = edge_luma(at + vec2i(1, 0));
    let sw = edge_luma(at + vec2i(-1, 1));
    let s = edge_luma(at + vec2i(0, 1));
    let se = edge_luma(at + vec2i(1, 1));
    let across = ne + 2.0 * e + se - nw - 2.0 * w - sw;
    let down = sw + 2.0 * s + se - nw - 2.0 * n - ne;
    let alpha = load(at).a;
    return vec4f(vec3f(min(strength * length(vec2f(across, down)), alpha)), alpha);
}

fn edge_luma(at: vec2i) -> f32 {
    let nearest = clamp(at, vec2i(0), vec2i(frame.resolution) - 1);
    return dot(load(nearest).rgb, vec3f(0.2126, 0.7152, 0.0722));
}
