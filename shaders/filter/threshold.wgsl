// White where luminance reaches the level, else black; the softness is the width of the ramp between.

fn threshold(color: vec4f, position: vec2f, level: f32, softness: f32) -> vec4f {
    let luma = dot(color.rgb, vec3f(0.2126, 0.7152, 0.0722));
    let ramp = saturate((luma - level) / max(softness, 1e-6) + 0.5);
    return vec4f(vec3f(select(step(level, luma), ramp, softness > 0.0)), color.a);
}
