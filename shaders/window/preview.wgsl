// Draws a frame (I420, BT.709, limited range, chroma on the left) into a rectangle of a target. Where the rectangle is
// smaller than the frame, each pixel is the mean of the area that it covers; where it is larger, samples are
// interpolated linearly.

struct PreviewInfo {
    // Rows of the matrix from YUV to RGB.
    yuv_to_rgb: array<vec4f, 3>,
    // The rectangle's top left corner and its size, in the target's pixels.
    origin: vec2f,
    extent: vec2f,
    // The sizes of the target and of the frame, in their pixels.
    target_size: vec2f,
    frame_size: vec2f,
}

// How many samples of luma a pixel takes each way, and of chroma.
override LUMA_TAPS: u32 = 1u;
override CHROMA_TAPS: u32 = 1u;
// Whether the target encodes colours itself, so that it wants linear ones.
override LINEAR: bool = false;

@group(0) @binding(0) var<uniform> info: PreviewInfo;
@group(0) @binding(1) var luma: texture_2d<f32>;
@group(0) @binding(2) var chroma_u: texture_2d<f32>;
@group(0) @binding(3) var chroma_v: texture_2d<f32>;
@group(0) @binding(4) var linear_sampler: sampler;

@vertex
fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    let unit = vec2f(f32(index & 1u), f32(index >> 1u));
    let at = (info.origin + unit * info.extent) / info.target_size;
    return vec4f(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, 0.0, 1.0);
}

@fragment
fn color(@builtin(position) at: vec4f) -> @location(0) vec4f {
    let step = info.frame_size / info.extent;
    let center = (at.xy - info.origin) * step;
    let luma_size = vec2f(textureDimensions(luma));
    var y = 0.0;
    for (var row = 0u; row < LUMA_TAPS; row++) {
        for (var column = 0u; column < LUMA_TAPS; column++) {
            let tap = (vec2f(f32(column), f32(row)) + 0.5) / f32(LUMA_TAPS) - 0.5;
            y += textureSampleLevel(luma, linear_sampler, (center + tap * step) / luma_size, 0.0).r;
        }
    }
    y /= f32(LUMA_TAPS * LUMA_TAPS);
    // A chroma sample lies on the left luma sample of its pair, between two rows.
    let chroma_size = vec2f(textureDimensions(chroma_u));
    var uv = vec2f(0.0);
    for (var row = 0u; row < CHROMA_TAPS; row++) {
        for (var column = 0u; column < CHROMA_TAPS; column++) {
            let tap = (vec2f(f32(column), f32(row)) + 0.5) / f32(CHROMA_TAPS) - 0.5;
            let place = ((center + tap * step) * 0.5 + vec2f(0.25, 0.0)) / chroma_size;
            uv += vec2f(
                textureSampleLevel(chroma_u, linear_sampler, place, 0.0).r,
                textureSampleLevel(chroma_v, linear_sampler, place, 0.0).r,
            );
        }
    }
    uv /= f32(CHROMA_TAPS * CHROMA_TAPS);
    let yuv = vec4f(y, uv, 1.0);
    let rgb = saturate(vec3f(
        dot(info.yuv_to_rgb[0], yuv),
        dot(info.yuv_to_rgb[1], yuv),
        dot(info.yuv_to_rgb[2], yuv),
    ));
    if LINEAR {
        let low = rgb / 12.92;
        let high = pow((rgb + 0.055) / 1.055, vec3f(2.4));
        return vec4f(select(high, low, rgb <= vec3f(0.04045)), 1.0);
    }
    return vec4f(rgb, 1.0);
}
