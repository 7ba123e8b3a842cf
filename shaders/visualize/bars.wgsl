// Bars on a line, with their reflection below. A texel is a band: its level, 16 bits in red and green.

// The baseline and the top of full bars, as fractions of the picture's height, from the top.
const BARS_FLOOR = 0.82;
const BARS_TOP = 0.08;
// The fraction of a band's width that is free on each side.
const BARS_GAP = 0.14;

fn bars(position: vec2f) -> vec4f {
    let size = frame.resolution;
    let count = f32(frame.input_size.x);
    let at = position.x / size.x * count;
    let bytes = round(255.0 * load(vec2i(i32(min(at, count - 1.0)), 0)).rg);
    let level = (bytes.r * 256.0 + bytes.g) / 65535.0;

    let down = position.y / size.y;
    let mirrored = down > BARS_FLOOR;
    let height = abs(down - BARS_FLOOR) / (BARS_FLOOR - BARS_TOP);
    let pixel = 1.0 / ((BARS_FLOOR - BARS_TOP) * size.y);
    let within = (0.5 - BARS_GAP - abs(fract(at) - 0.5)) * size.x / count;
    let covered = saturate(within + 0.5) * saturate((level - height) / pixel + 0.5);

    let low = mix(vec3f(0.10, 0.75, 0.90), vec3f(0.45, 0.45, 1.0), at / count);
    let color = mix(low, vec3f(1.0, 0.35, 0.60), smoothstep(0.35, 1.0, height));
    let background = mix(vec3f(0.015, 0.02, 0.04), vec3f(0.05, 0.055, 0.10), saturate(down / BARS_FLOOR));
    let shown = select(1.0, 0.22 * saturate(1.0 - 3.5 * height), mirrored);
    return vec4f(mix(background, color, covered * shown), 1.0);
}
