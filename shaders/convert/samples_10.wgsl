// Samples of 10 bits in the packed picture, each in the low bits of 16.

// Stores four samples, of which the greatest code is 1.0, at this place, counted in fours.
fn store(place: u32, samples: vec4f) {
    let codes = saturate(samples) * (1023.0 / 65535.0);
    output[2u * place] = pack2x16unorm(codes.xy);
    output[2u * place + 1u] = pack2x16unorm(codes.zw);
}
