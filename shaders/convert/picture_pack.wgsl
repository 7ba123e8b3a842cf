// The end of a pass whose picture another pass reads.

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let block = id.xy;
    if any(block * BLOCK >= frame.output_size) {
        return;
    }
    let colors = filtered(block);
    // Not a loop: llvmpipe keeps the colours of one in memory.
    store(pixel(block, 0u), colors[0]);
    store(pixel(block, 1u), colors[1]);
    store(pixel(block, 2u), colors[2]);
    store(pixel(block, 3u), colors[3]);
    store(pixel(block, 4u), colors[4]);
    store(pixel(block, 5u), colors[5]);
    store(pixel(block, 6u), colors[6]);
    store(pixel(block, 7u), colors[7]);
}
