// A source with no picture of its own.

fn fetch(block: vec2u) -> Block {
    return Block();
}
