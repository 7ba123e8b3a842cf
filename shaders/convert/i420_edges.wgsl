// Where the edges of a row of blocks of 16×2 pixels are in the buffer of chroma that is downsampled across: behind the
// samples of all rows, eight of which are two accesses. Each block has a word for what its upper row adds to the block after
// it, one of the lower row, and a word for the first pixel of each row.
fn place_of_edges(row: u32) -> u32 {
    let stride = fours_in_row(frame.output_size.x);
    return stride * ((frame.output_size.y + 1u) / 2u) + row * (stride / 4u);
}
