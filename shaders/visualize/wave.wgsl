// An oscilloscope. A texel is a column of the picture: the lowest and the highest sample within it, 12 bits each.

// How many columns to each side a pixel reads: as far as the glow spreads sideways.
const WAVE_REACH = 3.0;

fn wave(position: vec2f) -> vec4f {
    let size = frame.resolution;
    let wide = size.x / f32(frame.input_size.x);
    let here = i32(position.x / wide);
    // Not a loop: software drivers blend the loop's variables at every turn, which is slow.
    let here_away = wave_away(here, wide, position);
    let near = min(here_away, min(wave_away(here - 1, wide, position), wave_away(here + 1, wide, position)));
    let left = min(wave_away(here - 3, wide, position), wave_away(here - 2, wide, position));
    let right = min(wave_away(here + 2, wide, position), wave_away(here + 3, wide, position));
    let away = sqrt(min(near, min(left, right)));
    let half_width = max(size.y / 480.0, 0.75);
    let line = saturate(half_width + 0.5 - away);
    let light = 0.35 * exp(-away / (3.0 * half_width)) * saturate(WAVE_REACH * wide - away);
    let strong = abs(position.y / size.y - 0.5) * 2.0;
    let color = mix(vec3f(0.20, 0.95, 0.80), vec3f(1.0, 0.35, 0.65), smoothstep(0.1, 0.9, strong));
    let background = mix(vec3f(0.045, 0.055, 0.095), vec3f(0.015, 0.02, 0.04), strong);
    return vec4f(background + light * color * (1.0 - line) + line * (color - background), 1.0);
}

// The squared distance of a position from the wave in a column of this many pixels.
fn wave_away(column: i32, wide: f32, position: vec2f) -> f32 {
    let range = wave_range(column);
    let down = max(max(range.x - position.y, position.y - range.y), 0.0);
    let across = max(abs((f32(column) + 0.5) * wide - position.x) - 0.5 * wide, 0.0);
    return down * down + across * across;
}

// The range of the wave in a column: its top and its bottom, in pixels from the picture's top.
fn wave_range(column: i32) -> vec2f {
    let last = i32(frame.input_size.x) - 1;
    let bytes = round(255.0 * load(vec2i(clamp(column, 0, last), 0)).rgb);
    let low_bits = floor(bytes.g / 16.0);
    let low = bytes.r * 16.0 + low_bits;
    let high = (bytes.g - low_bits * 16.0) * 256.0 + bytes.b;
    return (1.0 - vec2f(high, low) / 4095.0) * (frame.resolution.y - 1.0) + 0.5;
}
