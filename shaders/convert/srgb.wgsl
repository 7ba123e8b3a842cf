// The curve of sRGB between encoded values and linear light (IEC 61966-2-1), for premultiplied colours.

fn encoded(color: vec4f) -> vec4f {
    let straight = color.rgb / max(color.a, 1e-6);
    let curve = 1.055 * pow(max(straight, vec3f(0.0)), vec3f(1.0 / 2.4)) - 0.055;
    let srgb = select(curve, 12.92 * straight, straight <= vec3f(0.0031308));
    return vec4f(srgb * color.a, color.a);
}

fn decoded(color: vec4f) -> vec4f {
    let straight = saturate(color.rgb / max(color.a, 1e-6));
    let curve = pow((straight + 0.055) / 1.055, vec3f(2.4));
    let light = select(curve, straight / 12.92, straight <= vec3f(0.04045));
    return vec4f(light * color.a, color.a);
}
