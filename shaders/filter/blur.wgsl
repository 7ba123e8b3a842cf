// A blur along one axis, for neighbours at once: each pixel is read once and added to all of them, four pixels a turn. The
// turns are written out after this file, as `turns`, because what a loop carries from turn to turn is expensive on a
// processor.
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

// The four pixels of a turn, a pixel a column.
fn four(k: i32, first: vec2i, step: vec2i) -> mat4x4f {
    let at = first + (i32(params[0].x) + 4 * k) * step;
    return mat4x4f(load(at), load(at + step), load(at + 2 * step), load(at + 3 * step));
}
