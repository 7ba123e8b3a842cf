// Scales a part of the picture to its place in another, along one axis, AXIS. params[0].x is the position in the
// picture of the middle of the output's first pixel, params[0].y the step to the next one; params[0].zw is the range of
// the output that the part covers, and params[1].xy the range of the picture that is drawn. Every output pixel is the
// mean of the input between two positions: as far apart as the pixel is wide, but by one at least, which is linear
// interpolation.

fn placed(at: vec2i) -> vec4f {
    let offset = f32(at[AXIS]);
    let place = params[0];
    let seen = params[1].xy;
    let coverage = min(offset + 1.0, place.w) - max(offset, place.z);
    if coverage <= 0.0 {
        return vec4f(0.0);
    }
    let centre = place.x + offset * place.y;
    let reach = 0.5 * max(place.y, 1.0);
    let begin = clamp(centre - reach, seen.x, seen.y);
    let end = clamp(centre + reach, seen.x, seen.y);
    var here = at;
    var sum = vec4f(0.0);
    var weights = 0.0;
    for (var i = floor(begin); i < end; i += 1.0) {
        let weight = min(end, i + 1.0) - max(begin, i);
        here[AXIS] = i32(i);
        sum += weight * load(here);
        weights += weight;
    }
    return saturate(sum * min(coverage, 1.0) / max(weights, 1e-6));
}

fn fetch(block: vec2u) -> Block {
    var colors: Block;
    for (var i = 0u; i < PIXELS; i++) {
        colors[i] = placed(place(pixel(block, i)));
    }
    return colors;
}
