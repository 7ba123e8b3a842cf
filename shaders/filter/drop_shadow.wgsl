// A shadow of the opaque parts: the blurred and moved alpha, in the shadow's colour, under the picture (CSS
// drop-shadow).

fn drop_shadow(original: vec4f, blurred: vec4f, x: f32, y: f32, radius: f32, color: vec4f) -> vec4f {
    let shadow = vec4f(color.rgb, 1.0) * (color.a * blurred.a);
    return original + shadow * (1.0 - original.a);
}
