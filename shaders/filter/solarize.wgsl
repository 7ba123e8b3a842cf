// Each channel above the threshold inverted, as film that saw light while it was developed.

fn solarize(color: vec4f, position: vec2f, threshold: f32) -> vec4f {
    return vec4f(select(color.rgb, 1.0 - color.rgb, color.rgb > vec3f(threshold)), color.a);
}
