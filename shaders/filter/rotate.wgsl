// Clockwise about the picture's centre.

fn rotate(position: vec2f, angle: f32) -> vec4f {
    let turn = radians(angle - 360.0 * round(angle / 360.0));
    let axis = vec2f(cos(turn), sin(turn));
    let centre = 0.5 * frame.resolution;
    let at = position - centre;
    return sample(centre + vec2f(dot(at, axis), dot(at, vec2f(-axis.y, axis.x))));
}
