// Enlarges a reduced picture by params[0].x, linearly. A factor is at least 2, so a block of 4×2 pixels lies between 4×3
// reduced ones, from 4 on between 3×3 (then FOURTH is false); each is read once.

// A row of reduced pixels, a pixel a column.
fn reduced(first: vec2i) -> mat4x4f {
    var fourth: vec4f;
    if FOURTH {
        fourth = load(first + vec2i(3, 0));
    }
    return mat4x4f(load(first), load(first + vec2i(1, 0)), load(first + vec2i(2, 0)), fourth);
}

// How much of each of four neighbours a position takes that lies so far after the first one.
fn shares(after: f32) -> vec4f {
    return max(vec4f(0.0), 1.0 - abs(after - vec4f(0.0, 1.0, 2.0, 3.0)));
}

fn fetch(block: vec2u) -> Block {
    // A pixel, in reduced ones.
    let pixel = 1.0 / params[0].x;
    let start = (vec2f(place(block * BLOCK)) + 0.5) * pixel - 0.5;
    let first = vec2i(floor(start));
    let after = start - vec2f(first);
    let a = reduced(first);
    let b = reduced(first + vec2i(0, 1));
    let c = reduced(first + vec2i(0, 2));
    let down = shares(after.y);
    let further_down = shares(after.y + pixel);
    let upper = down.x * a + down.y * b + down.z * c;
    let lower = further_down.x * a + further_down.y * b + further_down.z * c;
    let first_across = shares(after.x);
    let second_across = shares(after.x + pixel);
    let third_across = shares(after.x + 2.0 * pixel);
    let fourth_across = shares(after.x + 3.0 * pixel);
    return Block(
        upper * first_across,
        upper * second_across,
        upper * third_across,
        upper * fourth_across,
        lower * first_across,
        lower * second_across,
        lower * third_across,
        lower * fourth_across,
    );
}
