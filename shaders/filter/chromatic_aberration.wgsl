// The fringes of a simple lens: red is enlarged, blue reduced; the value is the shift in the corners.

fn chromatic_aberration(position: vec2f, distance: f32) -> vec4f {
    let centre = 0.5 * frame.resolution;
    let apart = (position - centre) * (distance / length(centre));
    let red = sample_inside(position - apart);
    let green = load(vec2i(floor(position)));
    let blue = sample_inside(position + apart);
    return vec4f(red.r, green.g, blue.b, max(green.a, max(red.a, blue.a)));
}
