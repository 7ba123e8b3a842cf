// Colours of PQ or HLG, or of wider primaries, become those of a recording: code values are turned into light in cd/m²
// (ITU-R BT.2100); BT.2390 §5.4.1 compresses it to the range below reference white, 203 cd/m² (BT.2408); a matrix brings it
// to the primaries of BT.709, and what these cannot show loses saturation, but neither hue nor luminance; the light is
// encoded by BT.1886, as that of BT.709 is. TRANSFER is 1 for PQ, 2 for HLG and 0 for standard dynamic range, COMPRESSED is
// false for a hard clip.
//
// The curve is that of the greatest of R, G and B, and scales all three: so the hue stays, and none exceeds white.

const PQ_M1 = 2610.0 / 16384.0;
const PQ_M2 = 2523.0 / 32.0;
const PQ_C1 = 3424.0 / 4096.0;
const PQ_C2 = 2413.0 / 128.0;
const PQ_C3 = 2392.0 / 128.0;
const HLG_A = 0.17883277;
const HLG_B = 0.28466892;
const HLG_C = 0.55991073;

// BT.2100, table 4: the EOTF of PQ, and its inverse.
fn pq_light(code: vec3f) -> vec3f {
    let power = pow(max(code, vec3f(1e-6)), vec3f(1.0 / PQ_M2));
    let ratio = max(power - PQ_C1, vec3f(0.0)) / (PQ_C2 - PQ_C3 * power);
    return 10000.0 * pow(ratio, vec3f(1.0 / PQ_M1));
}

fn pq_code(light: f32) -> f32 {
    let power = pow(max(light, 1e-6) / 10000.0, PQ_M1);
    return pow((PQ_C1 + PQ_C2 * power) / (1.0 + PQ_C3 * power), PQ_M2);
}

// BT.2100, table 5: HLG's inverse OETF, and the OOTF of its nominal display of 1000 cd/m².
fn hlg_light(code: vec3f) -> vec3f {
    let low = code * code / 3.0;
    let high = (exp((code - HLG_C) / HLG_A) + HLG_B) / 12.0;
    let scene = select(high, low, code <= vec3f(0.5));
    let luminance = max(dot(frame.luminance.rgb, scene), 1e-6);
    return 1000.0 * pow(luminance, frame.luminance.a) * scene;
}

// The factor by which light is scaled whose greatest component has this code in PQ, and is `light`.
fn compression(code: f32, light: f32) -> f32 {
    let peak = frame.curve.x;
    let white = frame.curve.y;
    let knee = frame.curve.z;
    let e1 = min(code / peak, 1.0);
    if e1 <= knee {
        return 1.0;
    }
    let t = (e1 - knee) / (1.0 - knee);
    let t2 = t * t;
    let t3 = t2 * t;
    let e2 = (2.0 * t3 - 3.0 * t2 + 1.0) * knee + (t3 - 2.0 * t2 + t) * (1.0 - knee) + (3.0 * t2 - 2.0 * t3) * white;
    return pq_light(vec3f(e2 * peak)).x / light;
}

fn to_sdr(rgb: vec3f) -> vec3f {
    let code = saturate(rgb);
    let greatest = max(max(code.r, code.g), code.b);
    var light: vec3f;
    if TRANSFER == 1u {
        light = pq_light(code);
    } else if TRANSFER == 2u {
        light = hlg_light(code);
    } else {
        light = frame.curve.w * pow(max(code, vec3f(1e-6)), vec3f(2.4));
    }
    if COMPRESSED {
        let brightest = max(max(light.r, light.g), max(light.b, 1e-6));
        if TRANSFER == 1u {
            light *= compression(greatest, brightest);
        } else {
            light *= compression(pq_code(brightest), brightest);
        }
    }
    light /= frame.curve.w;
    // Towards the grey of the same luminance, as far as needed for all three to lie within 0–1.
    let luminance = dot(frame.luminance.rgb, light);
    let narrow = vec3f(
        dot(frame.to_bt709[0].rgb, light),
        dot(frame.to_bt709[1].rgb, light),
        dot(frame.to_bt709[2].rgb, light),
    );
    let grey = saturate(luminance);
    let away = narrow - luminance;
    let room = select(vec3f(grey), vec3f(1.0 - grey), away > vec3f(0.0)) / max(abs(away), vec3f(1e-6));
    let kept = min(min(room.r, room.g), min(room.b, 1.0));
    return pow(max(grey + kept * away, vec3f(1e-9)), vec3f(1.0 / 2.4));
}
