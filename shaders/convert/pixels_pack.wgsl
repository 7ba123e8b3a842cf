// The end of a pass whose pixels are stored one by one, by `store_pixel` of the output: a texture, RGBA or light. It tests
// whether the pixel is in the picture.

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let block = id.xy;
    if any(block * BLOCK >= frame.output_size) {
        return;
    }
    let colors = filtered(block);
    // Not a loop: llvmpipe keeps the colours of one in memory, and takes twice the time.
    store_pixel(pixel(block, 0u), colors[0]);
    store_pixel(pixel(block, 1u), colors[1]);
    store_pixel(pixel(block, 2u), colors[2]);
    store_pixel(pixel(block, 3u), colors[3]);
    store_pixel(pixel(block, 4u), colors[4]);
    store_pixel(pixel(block, 5u), colors[5]);
    store_pixel(pixel(block, 6u), colors[6]);
    store_pixel(pixel(block, 7u), colors[7]);
}
