//! The light of film and its compression in double precision, written from the recommendations' text alone: ITU-R
//! BT.2100-2 (tables 4 and 5), BT.2390-10 (§5.4.1), BT.2408-5 (white at 203 cd/m²), BT.2087-0 (BT.2020 to BT.709) and
//! BT.1886. It shares no code with the shaders.
#![allow(dead_code, reason = "each test file uses its part")]

pub type Rgb = [f64; 3];

/// BT.2408: reference white, in cd/m².
pub const WHITE: f64 = 203.0;

/// BT.2100, table 4: reference PQ EOTF, in cd/m².
pub fn pq(code: f64) -> f64 {
    let (m1, m2) = (0.1593017578125, 78.84375);
    let (c1, c2, c3) = (0.8359375, 18.8515625, 18.6875);
    let root = code.max(0.0).powf(1.0 / m2);
    10_000.0 * ((root - c1).max(0.0) / (c2 - c3 * root)).powf(1.0 / m1)
}

/// Its inverse.
pub fn pq_inverse(light: f64) -> f64 {
    let (m1, m2) = (0.1593017578125, 78.84375);
    let (c1, c2, c3) = (0.8359375, 18.8515625, 18.6875);
    let y = (light / 10_000.0).powf(m1);
    ((c1 + c2 * y) / (1.0 + c3 * y)).powf(m2)
}

/// BT.2100, table 5: HLG's inverse OETF and its OOTF on a display of 1000 cd/m², without black level lift.
pub fn hlg(code: Rgb) -> Rgb {
    let (a, b, c) = (0.17883277, 0.28466892, 0.55991073);
    let scene = code.map(|x| if x <= 0.5 { x * x / 3.0 } else { (((x - c) / a).exp() + b) / 12.0 });
    let luminance = luminance(scene);
    let gain = if luminance > 0.0 { 1000.0 * luminance.powf(0.2) } else { 0.0 };
    scene.map(|x| gain * x)
}

/// BT.2100's luminance.
pub fn luminance(rgb: Rgb) -> f64 {
    0.2627 * rgb[0] + 0.6780 * rgb[1] + 0.0593 * rgb[2]
}

/// BT.2390, §5.4.1: the EETF for black at 0, from a peak in cd/m² to reference white; light to light.
pub fn eetf(light: f64, peak: f64) -> f64 {
    let lw = pq_inverse(peak);
    let e1 = (pq_inverse(light) / lw).min(1.0);
    let max_lum = pq_inverse(WHITE) / lw;
    let ks = 1.5 * max_lum - 0.5;
    // With a peak of reference white, KS is 1 and there is no curve.
    let e2 = if e1 < ks || ks >= 1.0 {
        e1
    } else {
        let t = (e1 - ks) / (1.0 - ks);
        (2.0 * t.powi(3) - 3.0 * t.powi(2) + 1.0) * ks
            + (t.powi(3) - 2.0 * t.powi(2) + t) * (1.0 - ks)
            + (-2.0 * t.powi(3) + 3.0 * t.powi(2)) * max_lum
    };
    pq(e2 * lw)
}

/// Scales a colour so that its greatest component is what the EETF makes of it.
pub fn compressed(light: Rgb, peak: f64) -> Rgb {
    let greatest = light[0].max(light[1]).max(light[2]);
    let gain = if greatest > 0.0 { eetf(greatest, peak) / greatest } else { 0.0 };
    light.map(|x| gain * x)
}

/// BT.2087: linear BT.2020 to linear BT.709; components may be negative.
pub fn to_bt709(rgb: Rgb) -> Rgb {
    const M: [Rgb; 3] =
        [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]];
    M.map(|row| row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2])
}

/// Moves a colour of this luminance towards grey until all components lie within 0 to 1.
pub fn desaturated(rgb: Rgb, luminance: f64) -> Rgb {
    let grey = luminance.clamp(0.0, 1.0);
    let kept = rgb.iter().fold(1.0_f64, |kept, x| {
        let away = x - luminance;
        let room = if away > 0.0 { 1.0 - grey } else { -grey };
        if away.abs() > 1e-12 { kept.min(room / away) } else { kept }
    });
    rgb.map(|x| grey + kept * (x - luminance))
}

/// BT.1886 for black at 0: the codes of light relative to white, 0 to 255.
pub fn encoded(rgb: Rgb) -> Rgb {
    rgb.map(|x| 255.0 * x.clamp(0.0, 1.0).powf(1.0 / 2.4))
}

/// All of it, from light in cd/m² to codes of 0 to 255.
pub fn to_sdr(light: Rgb, peak: f64) -> Rgb {
    let relative = compressed(light, peak).map(|x| x / WHITE);
    encoded(desaturated(to_bt709(relative), luminance(relative)))
}

/// BT.2100, table 9: the code values, 10 bits of limited range, of R'G'B' in the matrix of BT.2020.
pub fn ten_bits(rgb: Rgb) -> [u16; 3] {
    let y = luminance(rgb);
    let chroma = [(rgb[2] - y) / 1.8814, (rgb[0] - y) / 1.4746];
    [876.0 * y + 64.0, 896.0 * chroma[0] + 512.0, 896.0 * chroma[1] + 512.0].map(|code| code.round() as u16)
}

/// R'G'B' of such codes, within 0 to 1.
pub fn of_ten_bits(yuv: [u16; 3]) -> Rgb {
    let y = (f64::from(yuv[0]) - 64.0) / 876.0;
    let [u, v] = [yuv[1], yuv[2]].map(|code| (f64::from(code) - 512.0) / 896.0);
    let (red, blue) = (y + 1.4746 * v, y + 1.8814 * u);
    [red, (y - 0.2627 * red - 0.0593 * blue) / 0.6780, blue].map(|x| x.clamp(0.0, 1.0))
}
