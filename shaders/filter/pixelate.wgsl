// Squares of one colour: the mean of four positions in each; each position lies between four pixels and is their mean.

fn pixelate(position: vec2f, size: f32) -> vec4f {
    let first = floor(position / size) * size;
    // The last squares of a row and a column may be cut off.
    let extent = min(vec2f(size), frame.resolution - first);
    let centre = first + 0.5 * extent;
    let away = min(0.25 * extent, 0.5 * max(extent - 1.0, vec2f(0.0)));
    return 0.25 * (sample_inside(centre - away)
        + sample_inside(centre + vec2f(away.x, -away.y))
        + sample_inside(centre + vec2f(-away.x, away.y))
        + sample_inside(centre + away));
}
