// The colours of recordings, which are left as they are.

fn to_sdr(rgb: vec3f) -> vec3f {
    return rgb;
}
