// Stores a block of 16×2 pixels as planes of 4:2:0. For passes on planes a chroma sample is the mean of four pixels, in their
// middle, and values are dithered, so that means of rounded samples stay. A RECORDED picture is so smooth here that its sample on
// the left is the mean of the two pixels of the left column. What is transparent lies over black.

// Eight samples.
@group(0) @binding(3) var<storage, read_write> output: array<vec2u>;

fn four_luma(at: vec2u, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> u32 {
    return packed(at, vec4f(yuv(a).x, yuv(b).x, yuv(c).x, yuv(d).x));
}

// Two pixels of the upper row, and those below them.
fn chroma_of(a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> vec2f {
    if RECORDED {
        return yuv(0.5 * (a + c)).yz;
    }
    return yuv(0.25 * (a + b + c + d)).yz;
}

fn store_block(block: vec2u, c: Block) {
    let at = block * BLOCK;
    let upper = vec4u(
        four_luma(at + vec2u(0, 0), c[0], c[1], c[2], c[3]),
        four_luma(at + vec2u(4, 0), c[4], c[5], c[6], c[7]),
        four_luma(at + vec2u(8, 0), c[8], c[9], c[10], c[11]),
        four_luma(at + vec2u(12, 0), c[12], c[13], c[14], c[15]),
    );
    let lower = vec4u(
        four_luma(at + vec2u(0, 1), c[16], c[17], c[18], c[19]),
        four_luma(at + vec2u(4, 1), c[20], c[21], c[22], c[23]),
        four_luma(at + vec2u(8, 1), c[24], c[25], c[26], c[27]),
        four_luma(at + vec2u(12, 1), c[28], c[29], c[30], c[31]),
    );
    let place = 2u * place_of_sixteen(frame.output_size, 0u, block.x, at.y);
    let below = 2u * place_of_sixteen(frame.output_size, 0u, block.x, at.y + 1u);
    output[place] = upper.xy;
    output[place + 1u] = upper.zw;
    output[below] = lower.xy;
    output[below + 1u] = lower.zw;
    let k = chroma_of(c[0], c[1], c[16], c[17]);
    let l = chroma_of(c[2], c[3], c[18], c[19]);
    let m = chroma_of(c[4], c[5], c[20], c[21]);
    let n = chroma_of(c[6], c[7], c[22], c[23]);
    let o = chroma_of(c[8], c[9], c[24], c[25]);
    let p = chroma_of(c[10], c[11], c[26], c[27]);
    let q = chroma_of(c[12], c[13], c[28], c[29]);
    let r = chroma_of(c[14], c[15], c[30], c[31]);
    let first = at / 2u;
    let second = first + vec2u(4, 0);
    let u = vec2u(packed(first, vec4f(k.x, l.x, m.x, n.x)), packed(second, vec4f(o.x, p.x, q.x, r.x)));
    let v = vec2u(packed(first, vec4f(k.y, l.y, m.y, n.y)), packed(second, vec4f(o.y, p.y, q.y, r.y)));
    // Eight samples are half of what one access takes elsewhere.
    output[2u * place_of_sixteen(frame.output_size, 1u, block.x / 2u, block.y) + block.x % 2u] = u;
    output[2u * place_of_sixteen(frame.output_size, 2u, block.x / 2u, block.y) + block.x % 2u] = v;
}
