// A blur along the columns of its input, whose result is transposed: twice, it is a blur in both directions. So a block
// of eight neighbours in a column is stored as a row.
//
// Each pixel is read once and added to all of the eight, four pixels a turn. The turns are written out after this file,
// as `turns`, because what a loop carries from turn to turn is expensive on a processor. The pixels of the
// first turn have no weight for the last four neighbours, those of the last turn none for the first four.
// params[0]: the first pixel. From params[2] on the weights, four in a vector, with zeros before and after them: turn k
// multiplies the pixels 4k to 4k + 3 by the weights params[2 + k] for the first neighbour, and by weights that are one
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

// Four pixels of a column, a pixel a column of the matrix.
fn colors_of(k: i32, first: vec2i) -> mat4x4f {
    let at = first + vec2i(0, i32(params[0].x) + 4 * k);
    return mat4x4f(load(at), load(at + vec2i(0, 1)), load(at + vec2i(0, 2)), load(at + vec2i(0, 3)));
}

fn add_to_first_four(colors: mat4x4f, k: i32) {
    let v = params[k + 1];
    let w = params[k + 2];
    a += colors * w;
    b += colors * vec4f(v.w, w.xyz);
    c += colors * vec4f(v.zw, w.xy);
    d += colors * vec4f(v.yzw, w.x);
}

fn add_to_last_four(colors: mat4x4f, k: i32) {
    let u = params[k];
    let v = params[k + 1];
    e += colors * v;
    f += colors * vec4f(u.w, v.xyz);
    g += colors * vec4f(u.zw, v.xy);
    h += colors * vec4f(u.yzw, v.x);
}

fn first_turn(first: vec2i) {
    add_to_first_four(colors_of(0, first), 0);
}

fn turn(k: i32, first: vec2i) {
    let colors = colors_of(k, first);
    add_to_first_four(colors, k);
    add_to_last_four(colors, k);
}

fn last_turn(k: i32, first: vec2i) {
    add_to_last_four(colors_of(k, first), k);
}

fn fetch(block: vec2u) -> Block {
    turns(place(block * BLOCK).yx);
    return Block(a, b, c, d, e, f, g, h);
}
