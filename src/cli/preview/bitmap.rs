//! Small pictures that are drawn on the processor: boxes and text of the window.

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};

/// Roboto Medium (Apache-2.0), with the Latin, Greek and Cyrillic letters and no hinting.
static FONT: &[u8] = include_bytes!("Roboto-Medium.ttf");

/// Red, green, blue and alpha, straight.
pub type Color = [u8; 4];

pub const WHITE: Color = [255, 255, 255, 255];
pub const GREY: Color = [178, 182, 190, 255];
pub const RED: Color = [235, 64, 52, 255];
pub const BLUE: Color = [84, 160, 255, 255];
pub const GREEN: Color = [92, 200, 120, 255];
/// Behind text that stands on the picture.
pub const SHADE: Color = [14, 15, 18, 190];
/// Behind the strip.
pub const DARK: Color = [22, 23, 27, 255];

/// A picture of red, green, blue and alpha, premultiplied.
#[derive(Clone, PartialEq)]
pub struct Bitmap {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<u8>,
}

impl std::fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bitmap({}x{})", self.width, self.height)
    }
}

impl Bitmap {
    /// A transparent picture of at least one pixel.
    pub fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, pixels: vec![0; width as usize * height as usize * 4] }
    }

    /// Fills a rectangle with rounded corners.
    pub fn fill(&mut self, [x, y, width, height]: [f32; 4], radius: f32, color: Color) {
        let radius = radius.min(width / 2.0).min(height / 2.0);
        let (middle_x, middle_y) = (x + width / 2.0, y + height / 2.0);
        let columns = (x.floor().max(0.0) as u32)..((x + width).ceil().clamp(0.0, self.width as f32) as u32);
        for row in (y.floor().max(0.0) as u32)..((y + height).ceil().clamp(0.0, self.height as f32) as u32) {
            for column in columns.clone() {
                // The distance to the rounded border, negative within.
                let far_x = (column as f32 + 0.5 - middle_x).abs() - (width / 2.0 - radius);
                let far_y = (row as f32 + 0.5 - middle_y).abs() - (height / 2.0 - radius);
                let outside = far_x.max(0.0).hypot(far_y.max(0.0)) + far_x.max(far_y).min(0.0) - radius;
                self.blend(column, row, color, (0.5 - outside).clamp(0.0, 1.0));
            }
        }
    }

    /// Writes text from `x` on, on this baseline; returns where it ends. What does not fit is cut off.
    pub fn text(&mut self, x: f32, baseline: f32, text: &str, size: f32, color: Color) -> f32 {
        let font = font();
        let scaled = font.as_scaled(PxScale::from(size));
        let mut pen = x;
        let mut before = None;
        for character in text.chars() {
            let id = scaled.glyph_id(character);
            if let Some(before) = before.replace(id) {
                pen += scaled.kern(before, id);
            }
            let glyph: Glyph = id.with_scale_and_position(size, point(pen, baseline.round()));
            if let Some(outlined) = font.outline_glyph(glyph) {
                let bounds = outlined.px_bounds();
                outlined.draw(|column, row, coverage| {
                    let (column, row) = (column as i32 + bounds.min.x as i32, row as i32 + bounds.min.y as i32);
                    if let (Ok(column), Ok(row)) = (u32::try_from(column), u32::try_from(row)) {
                        self.blend(column, row, color, coverage);
                    }
                });
            }
            pen += scaled.h_advance(id);
        }
        pen
    }

    fn blend(&mut self, x: u32, y: u32, color: Color, coverage: f32) {
        if x >= self.width || y >= self.height || coverage <= 0.0 {
            return;
        }
        let at = (y as usize * self.width as usize + x as usize) * 4;
        let alpha = f32::from(color[3]) / 255.0 * coverage.min(1.0);
        for (channel, pixel) in self.pixels[at..at + 4].iter_mut().enumerate() {
            let over = if channel == 3 { 255.0 } else { f32::from(color[channel]) };
            *pixel = (over * alpha + f32::from(*pixel) * (1.0 - alpha)).round() as u8;
        }
    }
}

/// How wide the text is.
pub fn text_width(text: &str, size: f32) -> f32 {
    let scaled = font().into_scaled(PxScale::from(size));
    let ids: Vec<_> = text.chars().map(|character| scaled.glyph_id(character)).collect();
    let kerning: f32 = ids.windows(2).map(|pair| scaled.kern(pair[0], pair[1])).sum();
    ids.into_iter().map(|id| scaled.h_advance(id)).sum::<f32>() + kerning
}

/// The text, or as much of its beginning as fits, with an ellipsis.
pub fn fitted(text: &str, size: f32, width: f32) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut shown: Vec<char> = text.chars().collect();
    while shown.pop().is_some() {
        let cut = format!("{}\u{2026}", shown.iter().collect::<String>().trim_end());
        if text_width(&cut, size) <= width {
            return cut;
        }
    }
    String::new()
}

fn font() -> FontRef<'static> {
    FontRef::try_from_slice(FONT).expect("the font in the program")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_inside_its_width_and_outside_it_nothing_is_drawn() {
        let width = text_width("Hello", 20.0);
        let mut bitmap = Bitmap::new(100, 30);
        let end = bitmap.text(4.0, 20.0, "Hello", 20.0, WHITE);
        assert!((end - 4.0 - width).abs() < 0.01 && (30.0..60.0).contains(&width), "{width}");
        let columns: Vec<bool> = (0..100).map(|x| (0..30).any(|y| bitmap.pixels[(y * 100 + x) * 4 + 3] > 0)).collect();
        assert!(columns[..4].iter().all(|drawn| !drawn) && columns[end as usize + 1..].iter().all(|drawn| !drawn));
        assert!(columns.iter().filter(|drawn| **drawn).count() > 30);
    }

    #[test]
    fn long_text_is_cut_with_an_ellipsis() {
        assert_eq!(fitted("abc", 14.0, 100.0), "abc");
        let cut = fitted("a long name of a file.mp4", 14.0, 60.0);
        assert!(cut.ends_with('\u{2026}') && text_width(&cut, 14.0) <= 60.0, "{cut}");
        assert_eq!(fitted("abc", 14.0, 1.0), "");
    }

    #[test]
    fn a_rounded_box_covers_its_middle_and_not_its_corners() {
        let mut bitmap = Bitmap::new(20, 10);
        bitmap.fill([0.0, 0.0, 20.0, 10.0], 3.0, WHITE);
        let alpha = |x: usize, y: usize| bitmap.pixels[(y * 20 + x) * 4 + 3];
        assert_eq!((alpha(10, 5), alpha(0, 5), alpha(10, 0)), (255, 255, 255));
        assert_eq!((alpha(0, 0), alpha(19, 9)), (0, 0));
        // Premultiplied: what is half transparent is half as bright.
        let mut half = Bitmap::new(1, 1);
        half.fill([0.0, 0.0, 1.0, 1.0], 0.0, [200, 100, 0, 128]);
        assert_eq!(half.pixels, [100, 50, 0, 128]);
    }
}
