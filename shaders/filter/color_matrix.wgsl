// Colour matrices on a straight colour (SVG feColorMatrix), clamped: four vectors from `at` on, three rows and alpha's
// factor. Variants skip the multiplication of zeros.

fn color_matrix(color: vec4f, at: u32) -> vec4f {
    let offset = vec3f(params[at].w, params[at + 1u].w, params[at + 2u].w);
    return vec4f(saturate(color_rows(color.rgb, at) + offset), color.a * params[at + 3u].x);
}

// Without an offset.
fn color_matrix_linear(color: vec4f, at: u32) -> vec4f {
    return vec4f(saturate(color_rows(color.rgb, at)), color.a * params[at + 3u].x);
}

// Diagonal: each channel depends on itself alone.
fn color_matrix_diagonal(color: vec4f, at: u32) -> vec4f {
    let factor = vec3f(params[at].x, params[at + 1u].y, params[at + 2u].z);
    let offset = vec3f(params[at].w, params[at + 1u].w, params[at + 2u].w);
    return vec4f(saturate(color.rgb * factor + offset), color.a * params[at + 3u].x);
}

fn color_rows(color: vec3f, at: u32) -> vec3f {
    return vec3f(dot(params[at].xyz, color), dot(params[at + 1u].xyz, color), dot(params[at + 2u].xyz, color));
}
