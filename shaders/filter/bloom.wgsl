// A glow around bright areas: the bright part is blurred and added to the picture, which it can only brighten.

fn bloom(original: vec4f, blurred: vec4f, strength: f32, radius: f32, threshold: f32) -> vec4f {
    let light = min(strength * blurred, vec4f(1.0));
    return original + light * (1.0 - original);
}

// The input of the blur: how far the brightest channel is above the threshold.
fn bloom_feed(color: vec4f, strength: f32, radius: f32, threshold: f32) -> vec4f {
    let brightest = max(color.r, max(color.g, color.b));
    let bright = saturate((brightest - threshold) / max(1.0 - threshold, 1e-3));
    return color * bright;
}
