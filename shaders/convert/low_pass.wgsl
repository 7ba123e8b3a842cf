// Downsamples chroma from full size to 4:2:0 on the left: across by the LeGall 5/3 low-pass (-1 2 6 2 -1)/8, which is here, down
// by (-1 3 3 -1)/4. Linear interpolation (`chroma_420`, `i420_unpack`) followed by these filters gives every sample back
// exactly, so film that passes unfiltered keeps its chroma; both filters also reduce aliasing of colours finer than a
// chroma sample. At the borders the outermost pixel is repeated.
// (Cohen, Daubechies & Feauveau 1992, biorthogonal spline wavelets 2.2 and 3.1.)

// Across: of five pixels, the middle one of which is where the sample is.
fn low_pass(a: vec2f, b: vec2f, c: vec2f, d: vec2f, e: vec2f) -> vec2f {
    return 0.75 * c + 0.25 * (b + d) - 0.125 * (a + e);
}
