//! The part of a terminal that a picture covers: pure.

use framereel::Size;

use super::graphics::Graphics;
use super::sixel;

/// A terminal's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    pub columns: u16,
    pub rows: u16,
    /// The same in pixels, where the terminal says it.
    pub pixels: Option<Size>,
}

/// Where a picture goes, from the left border on, and how many pixels it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    pub columns: u16,
    pub rows: u16,
    pub pixels: Size,
    /// Whether the terminal is to scale the pixels to the columns and rows, because the size of its own is not known.
    pub scaled: bool,
}

/// The most of a terminal that a picture covers: it is to be small.
const MOST_COLUMNS: u16 = 80;
const MOST_ROWS: u16 = 24;
/// The most pixels of a picture that is not text.
const MOST_PIXELS: Size = Size::new(480, 270);
/// Rows that are left for the bar, which may take two, and for the line before the picture.
const ROWS_LEFT: u16 = 3;

impl TerminalSize {
    /// The size of the terminal that is standard error.
    #[cfg(unix)]
    pub fn present() -> Option<Self> {
        let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
        let pixels = Size::new(size.ws_xpixel.into(), size.ws_ypixel.into());
        let pixels = Some(pixels).filter(|pixels| pixels.pixels() > 0);
        Some(Self { columns: size.ws_col, rows: size.ws_row, pixels })
    }

    /// A terminal's least size: its real one is asked for on Unix only.
    #[cfg(not(unix))]
    pub fn present() -> Option<Self> {
        Some(Self { columns: 80, rows: 24, pixels: None })
    }

    /// The area of a picture that was `picture`, as large as fits and not enlarged; none where too little room is left.
    pub fn area(self, graphics: Graphics, picture: Size) -> Option<Area> {
        let columns = self.columns.min(MOST_COLUMNS);
        let rows = self.rows.saturating_sub(ROWS_LEFT).min(MOST_ROWS);
        if columns < 2 || rows < 2 || picture.pixels() == 0 {
            return None;
        }
        let (cell, known) = self.cell(graphics);
        let [mut most_x, mut most_y] = [f64::from(columns) * cell[0], f64::from(rows) * cell[1]];
        if graphics != Graphics::Blocks {
            (most_x, most_y) = (most_x.min(MOST_PIXELS.width.into()), most_y.min(MOST_PIXELS.height.into()));
        }
        let (width, height) = (f64::from(picture.width), f64::from(picture.height));
        let scale = (most_x / width).min(most_y / height).min(1.0);
        let [mut width, mut height] = [width * scale, height * scale].map(|side| side.round().max(1.0) as u32);
        if graphics == Graphics::Sixel && height > sixel::HEIGHT {
            // The terminal may fill the last row of sixels, which must not reach into the bar.
            let whole = height / sixel::HEIGHT * sixel::HEIGHT;
            width = (f64::from(width) * f64::from(whole) / f64::from(height)).round().max(1.0) as u32;
            height = whole;
        }
        let cells = |pixels: u32, cell: f64, most: u16| ((f64::from(pixels) / cell).ceil() as u16).clamp(1, most);
        let (columns, rows) = (cells(width, cell[0], columns), cells(height, cell[1], rows));
        let scaled = graphics == Graphics::Kitty && !known;
        Some(Area { columns, rows, pixels: Size::new(width, height), scaled })
    }

    /// The pixels of a cell, and whether the terminal said so.
    fn cell(self, graphics: Graphics) -> ([f64; 2], bool) {
        match (graphics, self.pixels) {
            (Graphics::Blocks, _) => ([1.0, 2.0], true),
            (_, Some(pixels)) => {
                let of = |pixels: u32, cells: u16| (f64::from(pixels) / f64::from(cells)).floor().max(1.0);
                ([of(pixels.width, self.columns), of(pixels.height, self.rows)], true)
            }
            // Small, so that the picture certainly fits.
            (Graphics::Sixel, None) => ([6.0, 12.0], false),
            (Graphics::Kitty, None) => ([8.0, 16.0], false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: Size = Size::new(1280, 720);

    fn screen(columns: u16, rows: u16, pixels: Option<Size>) -> TerminalSize {
        TerminalSize { columns, rows, pixels }
    }

    #[test]
    fn blocks_keep_the_aspect_ratio_and_leave_room_for_the_bar() {
        let area = |columns, rows| screen(columns, rows, None).area(Graphics::Blocks, HD);
        let of = |columns, rows, width, height| {
            Some(Area { columns, rows, pixels: Size::new(width, height), scaled: false })
        };
        assert_eq!(area(80, 24), of(75, 21, 75, 42));
        assert_eq!(area(40, 50), of(40, 12, 40, 23));
        assert_eq!(area(300, 100), of(80, 23, 80, 45), "small on a large terminal");
        assert_eq!(area(80, 4), None);
        assert_eq!(area(0, 0), None);
    }

    #[test]
    fn pixels_follow_the_terminals_cells() {
        let area = |graphics, pixels| screen(100, 30, pixels).area(graphics, HD).unwrap();
        let known = Some(Size::new(1000, 600));
        let kitty = area(Graphics::Kitty, known);
        assert_eq!(kitty, Area { columns: 48, rows: 14, pixels: Size::new(480, 270), scaled: false });
        let sixel = area(Graphics::Sixel, Some(Size::new(605, 365)));
        // 24 rows of 12 pixels, but 270 at the most, in whole sixels.
        assert_eq!(sixel, Area { columns: 80, rows: 23, pixels: Size::new(480, 270), scaled: false });
        let unknown = area(Graphics::Kitty, None);
        assert_eq!(unknown, Area { columns: 60, rows: 17, pixels: Size::new(480, 270), scaled: true });
    }

    #[test]
    fn no_picture_is_enlarged_and_none_exceeds_its_rows() {
        for graphics in [Graphics::Blocks, Graphics::Sixel, Graphics::Kitty] {
            let small = Size::new(16, 16);
            let area = screen(80, 24, Some(Size::new(800, 480))).area(graphics, small).unwrap();
            assert!(area.pixels.width <= 16 && area.pixels.height <= 16, "{graphics:?}: {area:?}");
            for (columns, rows) in [(7, 5), (33, 11), (80, 24), (200, 60)] {
                for picture in [HD, Size::new(720, 1280), Size::new(10_000, 16), Size::new(16, 10_000)] {
                    let size = Size::new(u32::from(columns) * 9, u32::from(rows) * 19);
                    let area = screen(columns, rows, Some(size)).area(graphics, picture).unwrap();
                    assert!(area.columns <= columns && area.rows <= rows - ROWS_LEFT, "{graphics:?}: {area:?}");
                    let cell = if graphics == Graphics::Blocks { [1, 2] } else { [9, 19] };
                    let room = Size::new(u32::from(area.columns) * cell[0], u32::from(area.rows) * cell[1]);
                    let Size { width, height } = area.pixels;
                    assert!(width <= room.width && height <= room.height, "{graphics:?}: {area:?}");
                    assert!(graphics != Graphics::Sixel || height < 6 || height.is_multiple_of(6), "{area:?}");
                }
            }
        }
    }
}
