// A recording's picture, a block of 16×2 pixels at once: luma with 8 bits, and chroma downsampled across, which
// `i420_chroma_down` downsamples down. A block has eight samples a row. The outermost two also take pixels of the blocks
// beside it: what a row adds to the block after it, and its first pixel, which the block before it takes, are stored
// behind the samples (`i420_edges`). Transparent pixels are recorded over black, which premultiplied colours already are.

@group(0) @binding(3) var<storage, read_write> output: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> chroma: array<vec4u>;

// U and V, each a word's half. Sums of values of 0–1 are from -0.25 to 1.25; there is room from -0.5 to 1.5.
fn pack_sums(sums: vec2f) -> u32 {
    return pack2x16unorm(0.5 * sums + 0.25);
}

fn four_luma(a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> u32 {
    return pack4x8unorm(vec4f(yuv(a).x, yuv(b).x, yuv(c).x, yuv(d).x));
}

// What a row of a block stores: the first four samples, the second, and the two words of its edges.
struct Row {
    first: vec4u,
    second: vec4u,
    edges: vec2u,
}

fn row_across(
    x: u32,
    a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f, g: vec4f, h: vec4f,
    i: vec4f, j: vec4f, k: vec4f, l: vec4f, m: vec4f, n: vec4f, o: vec4f, p: vec4f,
) -> Row {
    // Right of the picture its last pixel is repeated.
    let last = frame.output_size.x - 1u - x;
    let c0 = yuv(a).yz;
    let c1 = select(c0, yuv(b).yz, last >= 1u);
    let c2 = select(c1, yuv(c).yz, last >= 2u);
    let c3 = select(c2, yuv(d).yz, last >= 3u);
    let c4 = select(c3, yuv(e).yz, last >= 4u);
    let c5 = select(c4, yuv(f).yz, last >= 5u);
    let c6 = select(c5, yuv(g).yz, last >= 6u);
    let c7 = select(c6, yuv(h).yz, last >= 7u);
    let c8 = select(c7, yuv(i).yz, last >= 8u);
    let c9 = select(c8, yuv(j).yz, last >= 9u);
    let c10 = select(c9, yuv(k).yz, last >= 10u);
    let c11 = select(c10, yuv(l).yz, last >= 11u);
    let c12 = select(c11, yuv(m).yz, last >= 12u);
    let c13 = select(c12, yuv(n).yz, last >= 13u);
    let c14 = select(c13, yuv(o).yz, last >= 14u);
    let c15 = select(c14, yuv(p).yz, last >= 15u);
    // The pixels of other blocks count as nothing here, and those beyond the picture as its outermost one.
    let none = vec2f(0.0);
    let before = select(none, c0, x == 0u);
    let after = select(none, c15, last < 16u);
    return Row(
        vec4u(
            pack_sums(low_pass(before, before, c0, c1, c2)),
            pack_sums(low_pass(c0, c1, c2, c3, c4)),
            pack_sums(low_pass(c2, c3, c4, c5, c6)),
            pack_sums(low_pass(c4, c5, c6, c7, c8)),
        ),
        vec4u(
            pack_sums(low_pass(c6, c7, c8, c9, c10)),
            pack_sums(low_pass(c8, c9, c10, c11, c12)),
            pack_sums(low_pass(c10, c11, c12, c13, c14)),
            pack_sums(low_pass(c12, c13, c14, c15, after)),
        ),
        vec2u(pack_sums(low_pass(c14, c15, none, none, none)), pack_sums(c0)),
    );
}

fn store_block(block: vec2u, c: Block) {
    let at = block * BLOCK;
    let stride = fours_in_row(frame.output_size.x);
    let is_pair = at.y + 1u < frame.output_size.y;
    output[place_of_sixteen(frame.output_size, 0u, block.x, at.y)] = vec4u(
        four_luma(c[0], c[1], c[2], c[3]),
        four_luma(c[4], c[5], c[6], c[7]),
        four_luma(c[8], c[9], c[10], c[11]),
        four_luma(c[12], c[13], c[14], c[15]),
    );
    if is_pair {
        output[place_of_sixteen(frame.output_size, 0u, block.x, at.y + 1u)] = vec4u(
            four_luma(c[16], c[17], c[18], c[19]),
            four_luma(c[20], c[21], c[22], c[23]),
            four_luma(c[24], c[25], c[26], c[27]),
            four_luma(c[28], c[29], c[30], c[31]),
        );
    }
    let upper = row_across(
        at.x,
        c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9], c[10], c[11], c[12], c[13], c[14], c[15],
    );
    let lower = row_across(
        at.x,
        c[16], c[17], c[18], c[19], c[20], c[21], c[22], c[23],
        c[24], c[25], c[26], c[27], c[28], c[29], c[30], c[31],
    );
    let samples = at.y * (stride / 2u) + 2u * block.x;
    chroma[samples] = upper.first;
    chroma[samples + 1u] = upper.second;
    // Below the picture its last row is repeated.
    chroma[samples + stride / 2u] = select(upper.first, lower.first, is_pair);
    chroma[samples + stride / 2u + 1u] = select(upper.second, lower.second, is_pair);
    let edges = select(upper.edges, lower.edges, is_pair);
    chroma[place_of_edges(block.y) + block.x] = vec4u(upper.edges.x, edges.x, upper.edges.y, edges.y);
}
