// The blur along columns: a pass of its own, because its invocations make four pixels of a column.

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let first = id.xy * vec2u(1u, 4u);
    if any(first >= frame.output_size) {
        return;
    }
    let colors = blurred(place(first), vec2i(0, 1));
    for (var i = 0u; i < 4u; i++) {
        store(first + vec2u(0u, i), colors[i]);
    }
}
