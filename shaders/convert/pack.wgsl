// The end of a pass: a block's pixels, four of a row at once, go to `store_four` of the output, which tests whether they
// are in the picture.

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let block = id.xy;
    if any(block * BLOCK >= frame.output_size) {
        return;
    }
    let colors = filtered(block);
    // Not a loop: llvmpipe keeps the colours of one in memory, and takes half as long again.
    store_four(pixel(block, 0u), colors[0], colors[1], colors[2], colors[3]);
    store_four(pixel(block, 4u), colors[4], colors[5], colors[6], colors[7]);
}
