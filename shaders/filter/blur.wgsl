// A blur along one axis, for four neighbours at once: each pixel is read once and added to all four.
// params[0]: the first pixel and the number of pixels to read; from params[1] on the weight of each pixel in the four.

fn blurred(place: vec2i, step: vec2i) -> array<vec4f, 4> {
    let first = place + i32(params[0].x) * step;
    var a = vec4f(0.0);
    var b = vec4f(0.0);
    var c = vec4f(0.0);
    var d = vec4f(0.0);
    for (var t = 0; t < i32(params[0].y); t++) {
        let color = load(first + t * step);
        let weights = params[t + 1];
        a += weights.x * color;
        b += weights.y * color;
        c += weights.z * color;
        d += weights.w * color;
    }
    return array<vec4f, 4>(a, b, c, d);
}
