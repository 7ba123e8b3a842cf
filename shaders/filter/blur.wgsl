// A Gaussian along one axis, for four neighbours at once: each pixel is read once and added to all four.
// The weights come by forward differencing, with no table to read (Turkowski, GPU Gems 3, chapter 40): each is the last
// one times a ratio that itself shrinks by a constant. params[0]: the reach, the first weight, the first ratio, the
// constant.

fn blurred(first: vec2i, step: vec2i) -> array<vec4f, 4> {
    let reach = i32(params[0].x);
    var weight = params[0].y;
    var ratio = params[0].z;
    // The pixel's weight in each of the four.
    var w = vec4f(0.0);
    var a = vec4f(0.0);
    var b = vec4f(0.0);
    var c = vec4f(0.0);
    var d = vec4f(0.0);
    for (var t = -reach; t <= reach + 3; t++) {
        w = vec4f(select(0.0, weight, t <= reach), w.xyz);
        weight *= ratio;
        ratio *= params[0].w;
        let color = load(first + t * step);
        a += w.x * color;
        b += w.y * color;
        c += w.z * color;
        d += w.w * color;
    }
    return array<vec4f, 4>(a, b, c, d);
}
