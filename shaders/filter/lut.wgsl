// A .cube table over a straight colour, from params[at]: the dimension and the size, the domain's two ends, then an
// entry each. In one dimension every channel has its own curve, read linearly; in three, red varies fastest, and a
// colour lies in one of the six tetrahedra of its cell, whose four corners are mixed (Sakamoto 1981).

fn lut(color: vec4f, position: vec2f, at: u32, strength: f32) -> vec4f {
    let size = params[at].y;
    let low = params[at + 1u].rgb;
    let high = params[at + 2u].rgb;
    let place = clamp((color.rgb - low) / (high - low), vec3f(0.0), vec3f(1.0)) * (size - 1.0);
    let cell = min(floor(place), vec3f(size - 2.0));
    let weight = place - cell;
    let first = vec3u(cell);
    var graded: vec3f;
    if params[at].x == 1.0 {
        graded = lut_curves(at + 3u, first, weight);
    } else {
        graded = lut_cube(at + 3u, u32(size), first, weight);
    }
    return vec4f(mix(color.rgb, graded, strength), color.a);
}

fn lut_curves(at: u32, first: vec3u, weight: vec3f) -> vec3f {
    let below = vec3f(params[at + first.r].r, params[at + first.g].g, params[at + first.b].b);
    let above = vec3f(params[at + first.r + 1u].r, params[at + first.g + 1u].g, params[at + first.b + 1u].b);
    return below * (1.0 - weight) + above * weight;
}

fn lut_cube(at: u32, size: u32, first: vec3u, weight: vec3f) -> vec3f {
    let stride = vec3u(1u, size, size * size);
    let origin = at + first.r + first.g * stride.g + first.b * stride.b;
    let most = max(weight.r, max(weight.g, weight.b));
    let least = min(weight.r, min(weight.g, weight.b));
    let middle = max(min(weight.r, weight.g), min(max(weight.r, weight.g), weight.b));
    // The path through the tetrahedron: along the axis of the greatest weight first, along that of the least last.
    var along_most = stride.b;
    if weight.r >= weight.g && weight.r >= weight.b {
        along_most = stride.r;
    } else if weight.g >= weight.b {
        along_most = stride.g;
    }
    var along_least = stride.r;
    if weight.b <= weight.r && weight.b <= weight.g {
        along_least = stride.b;
    } else if weight.g <= weight.r {
        along_least = stride.g;
    }
    let far = origin + stride.r + stride.g + stride.b;
    return params[origin].rgb * (1.0 - most)
        + params[origin + along_most].rgb * (most - middle)
        + params[far - along_least].rgb * (middle - least)
        + params[far].rgb * least;
}
