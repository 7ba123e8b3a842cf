// Transparent where the picture has the key's chroma. Distances are relative to the key's own distance from grey, so
// that light and shade do not matter and a tolerance of 1 would include grey.

fn chroma_key(color: vec4f, position: vec2f, key: vec4f, tolerance: f32, softness: f32) -> vec4f {
    let wanted = chroma_key_chroma(key.rgb);
    let chroma = chroma_key_chroma(color.rgb);
    let away = distance(chroma, wanted) * inverseSqrt(max(dot(wanted, wanted), 1e-6));
    let kept = saturate((away - tolerance) / max(softness, 1e-3));
    // Removes light that the backdrop reflects onto the foreground: less of it the less a colour is like the key.
    let spilt = max(dot(chroma, wanted) / max(dot(wanted, wanted), 1e-6), 0.0);
    let alike = saturate(2.0 - away / max(tolerance + softness, 1e-3));
    return vec4f(color.rgb - alike * spilt * wanted, color.a * kept);
}

fn chroma_key_chroma(rgb: vec3f) -> vec3f {
    return rgb - dot(rgb, vec3f(0.2126, 0.7152, 0.0722));
}
