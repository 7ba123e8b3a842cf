// For outputs that store a pixel at a time.

fn store_four(at: vec2u, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
    store_pixel(at, first);
    store_pixel(at + vec2u(1, 0), second);
    store_pixel(at + vec2u(2, 0), third);
    store_pixel(at + vec2u(3, 0), fourth);
}
