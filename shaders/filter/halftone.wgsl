// Printed dots of cyan, magenta and yellow ink on white paper, each ink's screen turned by 30° from the last one's.

fn halftone(color: vec4f, position: vec2f, size: f32, angle: f32) -> vec4f {
    let turn = radians(angle);
    let axis = vec2f(cos(turn), sin(turn));
    // Turned by 30° and by 60°.
    let second = vec2f(0.8660254 * axis.x - 0.5 * axis.y, 0.5 * axis.x + 0.8660254 * axis.y);
    let third = vec2f(0.5 * axis.x - 0.8660254 * axis.y, 0.8660254 * axis.x + 0.5 * axis.y);
    let at = position - 0.5 * frame.resolution;
    return vec4f(
        1.0 - halftone_ink(at, axis, 1.0 - color.r, size),
        1.0 - halftone_ink(at, second, 1.0 - color.g, size),
        1.0 - halftone_ink(at, third, 1.0 - color.b, size),
        color.a,
    );
}

// How much of a pixel is inked: a dot covers as much of its cell as there is ink. Dots of more than π/4 run together,
// until they reach the cell's corners.
fn halftone_ink(at: vec2f, axis: vec2f, ink: f32, size: f32) -> f32 {
    let cells = vec2f(dot(at, axis), dot(at, vec2f(-axis.y, axis.x))) / size;
    let merged = mix(0.5, 0.7072 + 0.5 / size, (ink - 0.7854) / 0.2146);
    let radius = select(sqrt(ink * 0.3183), merged, ink > 0.7854);
    let reach = (radius - length(fract(cells) - 0.5)) * size;
    return saturate(reach + 0.5) * saturate(radius * size);
}
