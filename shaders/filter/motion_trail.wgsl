// What moves leaves its past behind: the frame before, with its own trail, lies over this one. There is none over the
// first.

fn motion_trail(position: vec2f, amount: f32) -> vec4f {
    let past = amount * previous(position);
    return past + load(vec2i(floor(position))) * (1.0 - past.a);
}
