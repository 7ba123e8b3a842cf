// The texture to which a pass writes its picture for the next, premultiplied: half floats, so that there is no banding.

@group(0) @binding(3) var output: texture_storage_2d<rgba16float, write>;

fn store(at: vec2u, color: vec4f) {
    if all(at < frame.output_size) {
        textureStore(output, at, color);
    }
}
