// The level over time and frequency. A texel's red is the level of a band at a time: high bands above, the latest
// right.

fn spectrogram(position: vec2f) -> vec4f {
    let level = sample_inside(position / frame.resolution * vec2f(frame.input_size)).r;
    return vec4f(saturate(inferno(level)), 1.0);
}

// Matplotlib's inferno (CC0), a perceptually uniform colour map, as a fitted polynomial.
fn inferno(t: f32) -> vec3f {
    let c0 = vec3f(0.00022, 0.00165, -0.01948);
    let c1 = vec3f(0.10651, 0.56396, 3.93271);
    let c2 = vec3f(11.60249, -3.97285, -15.94239);
    let c3 = vec3f(-41.70400, 17.43640, 44.35415);
    let c4 = vec3f(77.16294, -33.40236, -81.80731);
    let c5 = vec3f(-71.31943, 32.62606, 73.20952);
    let c6 = vec3f(25.13113, -12.24267, -23.07033);
    return c0 + t * (c1 + t * (c2 + t * (c3 + t * (c4 + t * (c5 + t * c6)))));
}
