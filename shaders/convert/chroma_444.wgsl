// 4:4:4 chroma: a sample for every pixel.

fn plane_rows(plane: u32, block: vec2u) -> array<vec4f, 2> {
    let row = block.y * 2u;
    return array<vec4f, 2>(
        chroma_word(plane, block.x, row),
        chroma_word(plane, block.x, min(row + 1u, frame.input_size.y - 1u)),
    );
}

fn chroma_rows(block: vec2u) -> ChromaRows {
    return ChromaRows(plane_rows(1u, block), plane_rows(2u, block));
}
