// Enlarges the middle (barrel, above 0) or reduces it (pincushion, below 0). The distance from the centre, 1 in the
// corners, is scaled by a factor of 0 to 1, so that every pixel comes from within the picture.

fn lens(position: vec2f, strength: f32) -> vec4f {
    let centre = 0.5 * frame.resolution;
    let away = position - centre;
    let square = dot(away, away) / dot(centre, centre);
    let barrel = (1.0 + strength * square) / (1.0 + strength);
    let pincushion = 1.0 / (1.0 - strength * square);
    return sample_inside(centre + away * select(pincushion, barrel, strength > 0.0));
}
