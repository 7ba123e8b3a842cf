// A pass works on blocks of pixels, one an invocation: BLOCK is a block's width and height (`block` in src/gpu/shader.rs),
// PIXELS their number. Colours in a block are premultiplied, row by row.

alias Block = array<vec4f, PIXELS>;

fn pixel(block: vec2u, i: u32) -> vec2u {
    return block * BLOCK + vec2u(i % BLOCK.x, i / BLOCK.x);
}
