// The blur along rows; the rest of the pass continues with its result.

fn fetch(block: vec2u) -> Block {
    let first = place(block * vec2u(4u, 2u));
    let above = blurred(first, vec2i(1, 0));
    let below = blurred(first + vec2i(0, 1), vec2i(1, 0));
    return Block(above[0], above[1], above[2], above[3], below[0], below[1], below[2], below[3]);
}
