// Scales along one axis, AXIS: the picture covers params[0].y pixels of the output from params[0].x on, each
// params[0].z pixels of the input wide; every output pixel sums the input pixels within a distance of params[0].w.
// Catmull-Rom (Keys 1981, a = -1/2), widened for downscaling.

fn catmull_rom(x: f32) -> f32 {
    let t = abs(x);
    if t >= 2.0 {
        return 0.0;
    }
    if t >= 1.0 {
        return ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0;
    }
    return (1.5 * t - 2.5) * t * t + 1.0;
}

fn resampled(at: vec2i) -> vec4f {
    let place = params[0];
    let offset = f32(at[AXIS]) - place.x;
    if offset < 0.0 || offset >= place.y {
        return vec4f(0.0);
    }
    let centre = (offset + 0.5) * place.z - 0.5;
    let last = i32(frame.input_size[AXIS]) - 1;
    let widen = place.w * 0.5;
    var here = at;
    var sum = vec4f(0.0);
    var weights = 0.0;
    for (var i = max(i32(ceil(centre - place.w)), 0); i <= min(i32(floor(centre + place.w)), last); i++) {
        let weight = catmull_rom((f32(i) - centre) / widen);
        here[AXIS] = i;
        sum += weight * load(here);
        weights += weight;
    }
    return clamp(sum / weights, vec4f(0.0), vec4f(1.0));
}

fn fetch(block: vec2u) -> Block {
    var colors: Block;
    for (var i = 0u; i < PIXELS; i++) {
        colors[i] = resampled(place(pixel(block, i)));
    }
    return colors;
}
