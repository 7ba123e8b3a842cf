// How many fours of samples a row of luma takes in a buffer; a row of chroma takes half as many (`i420_stride` in
// src/gpu/upload.rs).
fn fours_in_row(width: u32) -> u32 {
    return (width + 31u) / 32u * 8u;
}
