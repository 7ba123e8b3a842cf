// What readers of YUV share.

fn to_rgb(y: f32, u: f32, v: f32) -> vec4f {
    let yuv = vec4f(y, u, v, 1.0);
    let rgb = vec3f(dot(frame.yuv_to_rgb[0], yuv), dot(frame.yuv_to_rgb[1], yuv), dot(frame.yuv_to_rgb[2], yuv));
    return vec4f(to_sdr(rgb), 1.0);
}

// Four samples of 4:2:0 chroma, interpolated across for the four pixels of the second and the third.
fn across(samples: vec4f) -> vec4f {
    let near = frame.siting.x * 0.5;
    let far = 0.5 - near;
    return vec4f(
        mix(samples.y, samples.x, near),
        mix(samples.y, samples.z, far),
        mix(samples.z, samples.y, near),
        mix(samples.z, samples.w, far),
    );
}
