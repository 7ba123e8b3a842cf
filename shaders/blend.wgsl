// Draws a layer over the canvas: the premultiplied texture that the layer's passes made, at its place. The GPU's
// blending does the rest (source-over), and rounds to 8 bits as a canvas does.

struct LayerInfo {
    // The position of the layer's first pixel on the canvas, the layer's size and the canvas's, in pixels.
    origin: vec2f,
    size: vec2f,
    canvas: vec2f,
}

@group(0) @binding(0) var<uniform> layer: LayerInfo;
@group(0) @binding(1) var picture: texture_2d<f32>;

@vertex
fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    let unit = vec2f(f32(index & 1u), f32(index >> 1u));
    let at = (layer.origin + unit * layer.size) / layer.canvas;
    return vec4f(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, 0.0, 1.0);
}

@fragment
fn color(@builtin(position) at: vec4f) -> @location(0) vec4f {
    return textureLoad(picture, vec2i(floor(at.xy) - layer.origin), 0);
}
