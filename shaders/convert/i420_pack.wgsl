// The end of a recording's last pass: luma, four pixels at a time, and chroma at full size, which `i420_chroma`
// downsamples. Transparent pixels are recorded over black, which premultiplied colours already are.

@group(0) @binding(3) var<storage, read_write> output: array<u32>;
@group(0) @binding(4) var<storage, read_write> chroma: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let block = id.xy;
    if any(block * vec2u(4u, 2u) >= frame.output_size) {
        return;
    }
    let colors = filtered(block);
    // Rows are padded to eight pixels, so that a chroma row is whole words too.
    let stride = (frame.output_size.x + 7u) / 8u * 8u;
    for (var r = 0u; r < 2u; r++) {
        let row = block.y * 2u + r;
        if row < frame.output_size.y {
            var luma: vec4f;
            for (var i = 0u; i < 4u; i++) {
                let color = vec4f(colors[r * 4u + i].rgb, 1.0);
                luma[i] = dot(frame.rgb_to_yuv[0], color);
                let uv = vec2f(dot(frame.rgb_to_yuv[1], color), dot(frame.rgb_to_yuv[2], color));
                chroma[row * stride + block.x * 4u + i] = pack2x16unorm(uv);
            }
            store(row * stride / 4u + block.x, luma);
        }
    }
}
