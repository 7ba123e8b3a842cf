// Unsharp mask: adds the difference of the picture and its blur. The blur is made straight first, so that a border
// which fades in the blur is not sharpened as an edge.

fn sharpen(original: vec4f, blurred: vec4f, amount: f32, radius: f32) -> vec4f {
    let smooth_rgb = blurred.rgb * (original.a / max(blurred.a, 1e-6));
    let sharp = original.rgb + amount * (original.rgb - smooth_rgb);
    return vec4f(clamp(sharp, vec3f(0.0), vec3f(original.a)), original.a);
}
