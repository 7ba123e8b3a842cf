// The picture over one colour (source-over, Compositing and Blending Level 1 §9.1). An opaque colour leaves nothing
// transparent.

fn background(color: vec4f, position: vec2f, behind: vec4f) -> vec4f {
    let shown = behind.a * (1.0 - color.a);
    let alpha = color.a + shown;
    return vec4f((color.rgb * color.a + behind.rgb * shown) / max(alpha, 1e-6), alpha);
}
