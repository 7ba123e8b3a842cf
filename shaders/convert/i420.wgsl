// I420 of 8 bits in a buffer, as frames are uploaded, kept between passes and read back: three planes, sixteen samples of
// which are one access.

// Where sixteen samples of a plane's row are in a picture of this size, from column 16 * x on, counted in sixteens.
fn place_of_sixteen(size: vec2u, plane: u32, x: u32, row: u32) -> u32 {
    let stride = fours_in_row(size.x) / 4u;
    if plane == 0u {
        return row * stride + x;
    }
    return stride * size.y + ((plane - 1u) * ((size.y + 1u) / 2u) + row) * (stride / 2u) + x;
}
