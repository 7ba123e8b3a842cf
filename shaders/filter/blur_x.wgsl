// The blur along rows, for the four neighbours in each of a block's two rows; the rest of the pass continues with its result.

fn turn(k: i32, above: vec2i) {
    let v = params[k + 2];
    let w = params[k + 3];
    let w1 = vec4f(v.w, w.xyz);
    let w2 = vec4f(v.zw, w.xy);
    let w3 = vec4f(v.yzw, w.x);
    let upper = four(k, above, vec2i(1, 0));
    a += upper * w;
    b += upper * w1;
    c += upper * w2;
    d += upper * w3;
    let lower = four(k, above + vec2i(0, 1), vec2i(1, 0));
    e += lower * w;
    f += lower * w1;
    g += lower * w2;
    h += lower * w3;
}

fn fetch(block: vec2u) -> Block {
    turns(place(block * vec2u(4u, 2u)));
    return Block(a, b, c, d, e, f, g, h);
}
