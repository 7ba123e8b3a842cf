// The picture as seen through coloured glass: each channel times the colour's.

fn tint(color: vec4f, position: vec2f, glass: vec4f, amount: f32) -> vec4f {
    return vec4f(color.rgb * mix(vec3f(1.0), glass.rgb, glass.a * amount), color.a);
}
