// Light that spreads from what is bright: the bright part is blurred and laid over the picture, which it only brightens.

fn bloom(original: vec4f, blurred: vec4f, strength: f32, radius: f32, threshold: f32) -> vec4f {
    let light = min(strength * blurred, vec4f(1.0));
    return original + light * (1.0 - original);
}

// What is blurred: how far the brightest channel passes the threshold.
fn bloom_feed(color: vec4f, strength: f32, radius: f32, threshold: f32) -> vec4f {
    let brightest = max(color.r, max(color.g, color.b));
    let bright = saturate((brightest - threshold) / max(1.0 - threshold, 1e-3));
    return color * bright;
}
