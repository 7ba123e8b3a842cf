// Draws a premultiplied picture over a rectangle of the window: text, or a thumbnail.

struct PanelInfo {
    // The rectangle's top left corner and its size, and the window's, in pixels.
    origin: vec2f,
    extent: vec2f,
    target_size: vec2f,
}

// Whether the target encodes colours itself, so that it wants linear ones.
override LINEAR: bool = false;

@group(0) @binding(0) var<uniform> info: PanelInfo;
@group(0) @binding(1) var picture: texture_2d<f32>;
@group(0) @binding(2) var linear_sampler: sampler;

@vertex
fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    let unit = vec2f(f32(index & 1u), f32(index >> 1u));
    let at = (info.origin + unit * info.extent) / info.target_size;
    return vec4f(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, 0.0, 1.0);
}

@fragment
fn color(@builtin(position) at: vec4f) -> @location(0) vec4f {
    let color = textureSampleLevel(picture, linear_sampler, (at.xy - info.origin) / info.extent, 0.0);
    if LINEAR {
        let straight = color.rgb / max(color.a, 1e-6);
        let low = straight / 12.92;
        let high = pow((straight + 0.055) / 1.055, vec3f(2.4));
        return vec4f(select(high, low, straight <= vec3f(0.04045)) * color.a, color.a);
    }
    return color;
}
