// Multiplies each channel by that of a colour, as coloured glass does.

fn tint(color: vec4f, position: vec2f, glass: vec4f, amount: f32) -> vec4f {
    return vec4f(color.rgb * mix(vec3f(1.0), glass.rgb, glass.a * amount), color.a);
}
