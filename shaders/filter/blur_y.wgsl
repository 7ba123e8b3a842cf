// The blur along columns: a pass of its own, because its invocations make eight pixels of a column.

fn turn(k: i32, first: vec2i) {
    let colors = four(k, first, vec2i(0, 1));
    let u = params[k + 1];
    let v = params[k + 2];
    let w = params[k + 3];
    a += colors * w;
    b += colors * vec4f(v.w, w.xyz);
    c += colors * vec4f(v.zw, w.xy);
    d += colors * vec4f(v.yzw, w.x);
    e += colors * v;
    f += colors * vec4f(u.w, v.xyz);
    g += colors * vec4f(u.zw, v.xy);
    h += colors * vec4f(u.yzw, v.x);
}

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let at = id.xy * vec2u(1u, 8u);
    if any(at >= frame.output_size) {
        return;
    }
    turns(place(at));
    store(at, a);
    store(at + vec2u(0u, 1u), b);
    store(at + vec2u(0u, 2u), c);
    store(at + vec2u(0u, 3u), d);
    store(at + vec2u(0u, 4u), e);
    store(at + vec2u(0u, 5u), f);
    store(at + vec2u(0u, 6u), g);
    store(at + vec2u(0u, 7u), h);
}
