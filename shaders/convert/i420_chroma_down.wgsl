// Downsamples chroma down that is downsampled across already, except for what blocks of 16×2 pixels side by side take of each
// other (`i420_across`). An invocation makes four rows of eight samples.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(0) @binding(4) var<storage, read_write> chroma: array<vec4u>;

// Eight samples of U, four a column, and eight of V, stored as 0.5 · sum + 0.25 (`pack_sums`).
alias Samples = mat4x4f;

// Two rows.
struct Pair {
    upper: Samples,
    lower: Samples,
}

// A row of samples at this place, to which what the block before adds and the first pixel of the one after belong.
fn samples_at(place: u32, before: vec2f, after: vec2f) -> Samples {
    let p = chroma[place];
    let q = chroma[place + 1u];
    let a = unpack2x16unorm(p.x) + before - 0.25;
    let b = unpack2x16unorm(p.y);
    let c = unpack2x16unorm(p.z);
    let d = unpack2x16unorm(p.w);
    let e = unpack2x16unorm(q.x);
    let f = unpack2x16unorm(q.y);
    let g = unpack2x16unorm(q.z);
    let h = unpack2x16unorm(q.w) - 0.125 * (after - 0.25);
    return Samples(
        vec4f(a.x, b.x, c.x, d.x),
        vec4f(e.x, f.x, g.x, h.x),
        vec4f(a.y, b.y, c.y, d.y),
        vec4f(e.y, f.y, g.y, h.y),
    );
}

fn chosen(no: Samples, yes: Samples, is_yes: bool) -> Samples {
    return Samples(
        select(no[0], yes[0], is_yes),
        select(no[1], yes[1], is_yes),
        select(no[2], yes[2], is_yes),
        select(no[3], yes[3], is_yes),
    );
}

// A pair of rows; above and below the picture, its outermost row twice.
fn pair_at(x: u32, row: i32) -> Pair {
    let last_row = i32((frame.output_size.y + 1u) / 2u) - 1;
    let last = (frame.output_size.x - 1u) / 16u;
    let at = u32(clamp(row, 0, last_row));
    let edges = place_of_edges(at);
    // Beside the picture there is nothing to add: 0, stored as 0.25.
    let nothing = vec4f(0.25);
    let left = chroma[edges + max(x, 1u) - 1u].xy;
    let before = select(vec4f(unpack2x16unorm(left.x), unpack2x16unorm(left.y)), nothing, x == 0u);
    let right = chroma[edges + min(x + 1u, last)].zw;
    let after = select(vec4f(unpack2x16unorm(right.x), unpack2x16unorm(right.y)), nothing, x == last);
    let stride = fours_in_row(frame.output_size.x);
    let place = at * stride + 2u * x;
    let upper = samples_at(place, before.xy, after.xy);
    let lower = samples_at(place + stride / 2u, before.zw, after.zw);
    return Pair(chosen(upper, lower, row > last_row), chosen(lower, upper, row < 0));
}

// Stores a pair of rows, downsampled down, as a row of samples.
fn store_row(x: u32, row: u32, above: Samples, upper: Samples, lower: Samples, below: Samples) {
    let stride = fours_in_row(frame.output_size.x) / 2u;
    let rows = (frame.output_size.y + 1u) / 2u;
    if row < rows {
        // By (-1 3 3 -1)/4, and 2 · stored - 0.5.
        let sums = 1.5 * (upper + lower) - 0.5 * (above + below);
        let u = 2u * stride * frame.output_size.y + row * stride + 2u * x;
        let v = u + rows * stride;
        store(u, sums[0] - 0.5);
        store(u + 1u, sums[1] - 0.5);
        store(v, sums[2] - 0.5);
        store(v + 1u, sums[3] - 0.5);
    }
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    if any(id.xy * vec2u(16, 8) >= frame.output_size) {
        return;
    }
    let row = id.y * 4u;
    let above = pair_at(id.x, i32(row) - 1);
    let a = pair_at(id.x, i32(row));
    let b = pair_at(id.x, i32(row) + 1);
    store_row(id.x, row, above.lower, a.upper, a.lower, b.upper);
    let c = pair_at(id.x, i32(row) + 2);
    store_row(id.x, row + 1u, a.lower, b.upper, b.lower, c.upper);
    let d = pair_at(id.x, i32(row) + 3);
    store_row(id.x, row + 2u, b.lower, c.upper, c.lower, d.upper);
    let below = pair_at(id.x, i32(row) + 4);
    store_row(id.x, row + 3u, c.lower, d.upper, d.lower, below.upper);
}
