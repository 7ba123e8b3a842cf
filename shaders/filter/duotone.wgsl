// Maps luminance to a mix of two colours. Where these are not opaque, the picture's own colour is mixed in.

fn duotone(color: vec4f, position: vec2f, shadows: vec4f, highlights: vec4f) -> vec4f {
    let luma = dot(color.rgb, vec3f(0.2126, 0.7152, 0.0722));
    let tone = mix(shadows, highlights, luma);
    return vec4f(mix(color.rgb, tone.rgb, tone.a), color.a);
}
