//! Finds colours in a palette: the nearest one, or the two that mix to a colour.
//!
//! Distances are Euclidean in Oklab, where they are about as large as they look.

use std::sync::Arc;

/// Colours of a palette, at most.
pub const MOST: usize = 256;
/// Entries of the cache; a power of two.
const CACHE: usize = 1 << 16;
/// How much the noise of two colours side by side counts against the error of one colour in place of both.
const NOISE: f32 = 0.5;

/// A palette, and where its colours are in Oklab.
#[derive(Debug)]
pub struct Palette {
    colors: Vec<[u8; 3]>,
    /// L, a and b of each colour. Entries beyond the last colour are far away from all.
    lab: [[f32; MOST]; 3],
    /// sRGB-encoded values to linear ones.
    linear: [f32; 256],
}

impl Palette {
    /// The palette of these colours, 1 to 256.
    pub fn new(colors: Vec<[u8; 3]>) -> Self {
        let linear = std::array::from_fn(|value| {
            let value = value as f32 / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        let mut palette = Self { colors, lab: [[1e3; MOST]; 3], linear };
        let places: Vec<_> = palette.colors.iter().map(|color| palette.oklab(*color)).collect();
        for (index, lab) in places.into_iter().enumerate() {
            (0..3).for_each(|part| palette.lab[part][index] = lab[part]);
        }
        palette
    }

    pub fn colors(&self) -> &[[u8; 3]] {
        &self.colors
    }

    /// Björn Ottosson's Oklab, of an sRGB colour.
    fn oklab(&self, color: [u8; 3]) -> [f32; 3] {
        let [r, g, b] = color.map(|value| self.linear[usize::from(value)]);
        let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
        let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
        let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
        [
            0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
            1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
            0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        ]
    }

    /// The nearest colour's index, and its squared distance.
    fn nearest(&self, [l, a, b]: [f32; 3]) -> (u8, f32) {
        let mut distances = [0.0_f32; MOST];
        let [ls, as_, bs] = &self.lab;
        for (distance, ((x, y), z)) in distances.iter_mut().zip(ls.iter().zip(as_).zip(bs)) {
            let (l, a, b) = (x - l, y - a, z - b);
            *distance = l * l + a * a + b * b;
        }
        least(&distances)
    }

    /// The two colours that mix best to a colour, and the second one's share in 256ths. The second is the first where
    /// one colour does as well.
    fn mix(&self, color: [u8; 3]) -> Mix {
        let [l, a, b] = self.oklab(color);
        let (first, alone) = self.nearest([l, a, b]);
        let at = usize::from(first);
        let [ls, as_, bs] = &self.lab;
        let own = [ls[at], as_[at], bs[at]];
        let (l, a, b) = (l - own[0], a - own[1], b - own[2]);
        let mut costs = [0.0_f32; MOST];
        for (cost, ((x, y), z)) in costs.iter_mut().zip(ls.iter().zip(as_).zip(bs)) {
            let (x, y, z) = (x - own[0], y - own[1], z - own[2]);
            let length = x * x + y * y + z * z + 1e-12;
            let along = x * l + y * a + z * b;
            let share = (along / length).clamp(0.0, 1.0);
            // What the mix is off, and the noise: the variance of a pixel that has one colour or the other.
            *cost = alone + length * share * (share + NOISE * (1.0 - share)) - 2.0 * share * along;
        }
        let (second, cost) = least(&costs);
        if cost >= alone {
            return Mix { first, second: first, share: 0 };
        }
        let with = usize::from(second);
        let (x, y, z) = (ls[with] - own[0], as_[with] - own[1], bs[with] - own[2]);
        let share = (x * l + y * a + z * b) / (x * x + y * y + z * z + 1e-12);
        Mix { first, second, share: (share.clamp(0.0, 1.0) * 255.0).round() as u8 }
    }
}

/// The place of the least value, and the value.
fn least(values: &[f32; MOST]) -> (u8, f32) {
    let mut best = [(f32::MAX, 0_u32); 8];
    for (row, values) in values.chunks_exact(8).enumerate() {
        for (best, &value) in best.iter_mut().zip(values) {
            if value < best.0 {
                *best = (value, row as u32);
            }
        }
    }
    let mut found = (f32::MAX, 0);
    for (lane, (value, row)) in best.into_iter().enumerate() {
        let index = row as usize * 8 + lane;
        if value < found.0 || value == found.0 && index < found.1 {
            found = (value, index);
        }
    }
    (found.1 as u8, found.0)
}

/// Two colours side by side in place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    pub first: u8,
    pub second: u8,
    /// How much of the second, in 256ths; at most 255.
    pub share: u8,
}

/// Of a cache's entry that is empty.
const NOTHING: u32 = u32::MAX;

/// A palette with a cache of what was found in it.
#[derive(Debug)]
pub struct ColorMap {
    palette: Arc<Palette>,
    /// The colour, which is above 24 bits where nothing is cached, and what was found for it.
    nearest: Vec<(u32, u8)>,
    mixes: Vec<(u32, Mix)>,
}

impl ColorMap {
    /// A map in which nothing was found yet. Its cache takes no memory before it is used.
    pub fn new(palette: Arc<Palette>) -> Self {
        Self { palette, nearest: Vec::new(), mixes: Vec::new() }
    }

    pub fn palette(&self) -> &Arc<Palette> {
        &self.palette
    }

    /// The nearest colour.
    pub fn nearest(&mut self, color: [u8; 3]) -> u8 {
        self.nearest.resize(CACHE, (NOTHING, 0));
        let key = key(color);
        let cached = &mut self.nearest[slot(key)];
        if cached.0 != key {
            *cached = (key, self.palette.nearest(self.palette.oklab(color)).0);
        }
        cached.1
    }

    /// The two colours that mix best to this one.
    pub fn mix(&mut self, color: [u8; 3]) -> Mix {
        self.mixes.resize(CACHE, (NOTHING, Mix { first: 0, second: 0, share: 0 }));
        let key = key(color);
        let cached = &mut self.mixes[slot(key)];
        if cached.0 != key {
            *cached = (key, self.palette.mix(color));
        }
        cached.1
    }
}

impl ColorMap {
    /// How far a colour is from the nearest one, in Oklab.
    pub fn distance(&self, color: [u8; 3]) -> f32 {
        self.palette.nearest(self.palette.oklab(color)).1.sqrt()
    }
}

fn key([r, g, b]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, r, g, b])
}

fn slot(key: u32) -> usize {
    (key.wrapping_mul(0x9E37_79B1) >> (32 - CACHE.trailing_zeros())) as usize
}
