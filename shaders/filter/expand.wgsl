// Enlarges a reduced picture by params[0].x, linearly. A factor is at least 2, so a block of 4×2 pixels lies between
// 4×3 reduced ones, each read once.

fn fetch(block: vec2u) -> Block {
    let factor = params[0].x;
    let start = (vec2f(place(block * vec2u(4u, 2u))) + 0.5) / factor - 0.5;
    let first = vec2i(floor(start));
    var colors: Block;
    for (var y = 0; y < 3; y++) {
        var row: array<vec4f, 4>;
        for (var x = 0; x < 4; x++) {
            row[x] = load(first + vec2i(x, y));
        }
        for (var i = 0u; i < 8u; i++) {
            let at = start + vec2f(f32(i % 4u), f32(i / 4u)) / factor - vec2f(first);
            let down = max(0.0, 1.0 - abs(at.y - f32(y)));
            let across = max(vec4f(0.0), 1.0 - abs(at.x - vec4f(0.0, 1.0, 2.0, 3.0)));
            colors[i] += down * (across.x * row[0] + across.y * row[1] + across.z * row[2] + across.w * row[3]);
        }
    }
    return colors;
}
