// No chroma: grey.

fn chroma_rows(block: vec2u) -> ChromaRows {
    let none = vec4f(128.0 / 255.0);
    return ChromaRows(array<vec4f, 2>(none, none), array<vec4f, 2>(none, none));
}
