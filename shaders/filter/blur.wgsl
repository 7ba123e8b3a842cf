// A blur along one axis, for the eight neighbours of a block at once: each pixel is read once and added to all of
// them, four pixels a turn, STEP apart. The turns are written out after this file, as `turns`, because what a loop
// carries from turn to turn is expensive on a processor.
// params[0]: the first pixel. From params[3] on the weights, four in a vector, with zeros before and after them: turn k
// multiplies the pixels 4k to 4k + 3 by the weights params[3 + k] for the first neighbour, and by weights that are one
// earlier for each further one.

// The colours of the neighbours so far.
var<private> a: vec4f;
var<private> b: vec4f;
var<private> c: vec4f;
var<private> d: vec4f;
var<private> e: vec4f;
var<private> f: vec4f;
var<private> g: vec4f;
var<private> h: vec4f;

fn turn(k: i32, first: vec2i) {
    let at = first + (i32(params[0].x) + 4 * k) * STEP;
    // A pixel a column.
    let colors = mat4x4f(load(at), load(at + STEP), load(at + 2 * STEP), load(at + 3 * STEP));
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

fn fetch(block: vec2u) -> Block {
    turns(place(block * BLOCK));
    return Block(a, b, c, d, e, f, g, h);
}
