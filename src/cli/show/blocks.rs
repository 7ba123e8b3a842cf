//! A picture as text: `▀` is two pixels, its own colour above that of the ground.
//!
//! The colours are of 24 bits (ISO 8613-6: SGR 38;2 and 48;2).

use std::fmt::Write;

use super::thumbnail::Thumbnail;

/// The picture's lines, from the cursor on; the cursor is at the beginning of the line below it then.
pub fn encode(picture: &Thumbnail) -> String {
    let rows: Vec<_> = picture.rows().collect();
    // What most cells take: both colours.
    let mut text = String::with_capacity(picture.pixels().len() / 2 * 40);
    for pair in rows.chunks(2) {
        // The colours that the terminal has set.
        let (mut ink, mut ground) = (None, None);
        for (x, &above) in pair[0].iter().enumerate() {
            let below = pair.get(1).map(|row| row[x]);
            if ink != Some(above) {
                set_color(&mut text, 38, above);
                ink = Some(above);
            }
            if let Some(color) = below.filter(|_| ground != below) {
                set_color(&mut text, 48, color);
                ground = below;
            }
            text.push('▀');
        }
        text.push_str("\x1b[0m\r\n");
    }
    text
}

fn set_color(text: &mut String, which: u8, [r, g, b]: [u8; 3]) {
    // Writing to a string does not fail.
    let _ = write!(text, "\x1b[{which};2;{r};{g};{b}m");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_two_pixels_and_a_color_is_set_when_it_changes() {
        let (red, blue) = ([255, 0, 0], [0, 0, 255]);
        let picture = Thumbnail::new(2, vec![red, red, blue, red]);
        assert_eq!(encode(&picture), "\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀\x1b[48;2;255;0;0m▀\x1b[0m\r\n");
    }

    #[test]
    fn an_odd_row_at_the_end_has_the_terminals_own_ground() {
        let picture = Thumbnail::new(1, vec![[1; 3], [2; 3], [3; 3]]);
        let line = "\x1b[38;2;1;1;1m\x1b[48;2;2;2;2m▀\x1b[0m\r\n";
        assert_eq!(encode(&picture), format!("{line}\x1b[38;2;3;3;3m▀\x1b[0m\r\n"));
    }
}
