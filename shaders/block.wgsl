// A pass works on blocks of eight pixels, one an invocation: BLOCK is a block's width and height, 4×2 or 8×1. (A
// reduction makes four.) Colours in a block are premultiplied, row by row.

alias Block = array<vec4f, 8>;

fn pixel(block: vec2u, i: u32) -> vec2u {
    return block * BLOCK + vec2u(i % BLOCK.x, i / BLOCK.x);
}
