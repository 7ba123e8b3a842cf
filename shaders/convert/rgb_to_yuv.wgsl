// A colour in the recording's YUV, 0–1.
fn yuv(color: vec4f) -> vec3f {
    let rgb = vec4f(color.rgb, 1.0);
    return vec3f(dot(frame.rgb_to_yuv[0], rgb), dot(frame.rgb_to_yuv[1], rgb), dot(frame.rgb_to_yuv[2], rgb));
}
