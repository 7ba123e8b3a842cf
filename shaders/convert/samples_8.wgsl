// Samples of 8 bits in the packed picture, four a word.

// Stores four samples, of which the greatest code is 1.0, at this place, counted in fours.
fn store(place: u32, samples: vec4f) {
    output[place] = pack4x8unorm(samples);
}
