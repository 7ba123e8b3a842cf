//! Where the picture stands on the terminal, above the line that the cursor is on: pure.

use super::area::{Area, TerminalSize};
use super::graphics::Graphics;
use super::thumbnail::Thumbnail;
use super::{blocks, kitty, sixel};

/// A picture as a terminal takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalPicture {
    graphics: Graphics,
    area: Area,
    /// Draws it from the cursor on, which is at the beginning of the picture's first row; then the cursor is at the
    /// beginning of the row below its last.
    text: String,
}

impl TerminalPicture {
    /// The thumbnail in this area; none if it cannot be encoded.
    pub fn encode(graphics: Graphics, area: Area, thumbnail: &Thumbnail) -> Option<Self> {
        let below = format!("\r\x1b[{}B", area.rows);
        let text = match graphics {
            Graphics::Blocks => blocks::encode(thumbnail),
            // Sixels leave the cursor where the terminal likes it: it is saved before and brought back.
            Graphics::Sixel => format!("\x1b7{}\x1b8{below}", sixel::encode(thumbnail)?),
            Graphics::Kitty => {
                let cells = area.scaled.then_some([area.columns, area.rows]);
                kitty::encode(thumbnail, cells)? + &below
            }
        };
        Some(Self { graphics, area, text })
    }
}

/// The place of the picture that is shown: the rows above the cursor.
#[derive(Debug, Default)]
pub struct PicturePlacement {
    shown: Option<(Graphics, Area)>,
    /// The terminal's columns when it was drawn last.
    columns: u16,
}

impl PicturePlacement {
    /// Whether nothing is shown.
    pub fn is_empty(&self) -> bool {
        self.shown.is_none()
    }

    /// Draws the picture over the one before, or else below what is on the terminal. The cursor stays at the beginning
    /// of the line below the picture.
    pub fn put(&mut self, picture: &TerminalPicture, screen: Option<TerminalSize>) -> String {
        let columns = screen.map_or(self.columns, |screen| screen.columns);
        let place = (picture.graphics, picture.area);
        let mut text = String::new();
        if self.shown != Some(place) || self.columns != columns {
            text += &self.remove(screen);
            // Rows of its own: the terminal scrolls as far as it must.
            text += "\r";
            (0..picture.area.rows).for_each(|_| text.push('\n'));
        }
        (self.shown, self.columns) = (Some(place), columns);
        text + "\r" + &up(picture.area.rows.into()) + &picture.text
    }

    /// Removes the picture and what is below it. The cursor is where the picture began.
    pub fn remove(&mut self, screen: Option<TerminalSize>) -> String {
        let Some((graphics, area)) = self.shown.take() else { return String::new() };
        // Most terminals break lines anew when they get narrower; a picture of text then has more rows.
        let columns = screen.map_or(area.columns, |screen| screen.columns.max(1));
        let parts = if graphics == Graphics::Blocks { area.columns.div_ceil(columns) } else { 1 };
        let from = String::from("\r") + &up(u32::from(area.rows) * u32::from(parts));
        match graphics {
            Graphics::Kitty => from + "\x1b[J" + &kitty::remove(),
            Graphics::Blocks | Graphics::Sixel => from + "\x1b[J",
        }
    }
}

fn up(rows: u32) -> String {
    format!("\x1b[{rows}A")
}

#[cfg(test)]
mod tests {
    use framereel::Size;

    use super::*;

    fn picture(graphics: Graphics, columns: u16, rows: u16) -> TerminalPicture {
        let pixels = Size::new(u32::from(columns), u32::from(rows) * 2);
        let area = Area { columns, rows, pixels, scaled: false };
        let thumbnail = Thumbnail::new(pixels.width as usize, vec![[9; 3]; pixels.pixels() as usize]);
        TerminalPicture::encode(graphics, area, &thumbnail).unwrap()
    }

    fn screen(columns: u16) -> Option<TerminalSize> {
        Some(TerminalSize { columns, rows: 24, pixels: None })
    }

    #[test]
    fn the_first_picture_takes_rows_of_its_own_and_the_next_is_drawn_over_it() {
        let mut placement = PicturePlacement::default();
        let picture = picture(Graphics::Blocks, 4, 3);
        let drawn = format!("\r\x1b[3A{}", picture.text);
        assert_eq!(placement.put(&picture, screen(80)), format!("\r\n\n\n{drawn}"));
        assert_eq!(placement.put(&picture, screen(80)), drawn);
        assert_eq!(placement.remove(screen(80)), "\r\x1b[3A\x1b[J");
        assert_eq!(placement.remove(screen(80)), "");
        assert!(placement.is_empty());
    }

    #[test]
    fn a_terminal_that_gets_narrower_breaks_the_lines_of_the_old_picture() {
        let mut placement = PicturePlacement::default();
        placement.put(&picture(Graphics::Blocks, 60, 10), screen(80));
        let narrow = picture(Graphics::Blocks, 25, 4);
        let text = placement.put(&narrow, screen(25));
        assert_eq!(text, format!("\r\x1b[30A\x1b[J\r\n\n\n\n\r\x1b[4A{}", narrow.text));
    }

    #[test]
    fn kittys_picture_is_removed_by_its_number_and_sixels_leave_the_cursor_below() {
        let mut placement = PicturePlacement::default();
        placement.put(&picture(Graphics::Kitty, 4, 3), screen(80));
        assert_eq!(placement.remove(screen(80)), format!("\r\x1b[3A\x1b[J{}", kitty::remove()));
        let sixel = picture(Graphics::Sixel, 6, 2);
        assert!(sixel.text.starts_with("\x1b7\x1bP") && sixel.text.ends_with("\x1b\\\x1b8\r\x1b[2B"), "{sixel:?}");
    }
}
