// A simple lens's fringes: red a little larger, blue a little smaller, by the distance in the corners.

fn chromatic_aberration(position: vec2f, distance: f32) -> vec4f {
    let centre = 0.5 * frame.resolution;
    let apart = (position - centre) * (distance / length(centre));
    let red = sample_inside(position - apart);
    let green = load(vec2i(floor(position)));
    let blue = sample_inside(position + apart);
    return vec4f(red.r, green.g, blue.b, max(green.a, max(red.a, blue.a)));
}
