// A layer over what is on the canvas already: the texture that its passes left, premultiplied, at its place. The GPU's
// blending does the rest (source-over), and rounds to 8 bits as a canvas does.

struct LayerInfo {
    // Where the layer's first pixel lies on the canvas, how many it has, and how many the canvas.
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
