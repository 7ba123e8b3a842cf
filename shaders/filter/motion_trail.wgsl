// Moving objects leave a trail: the frame before, with its own trail, is blended over this one. The first frame has
// none.

fn motion_trail(position: vec2f, amount: f32) -> vec4f {
    let past = amount * previous(position);
    return past + load(vec2i(floor(position))) * (1.0 - past.a);
}
