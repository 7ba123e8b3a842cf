//! What a terminal shows: text with its colours, and the pictures that sixels and kitty's protocol draw. Written from the
//! standards and without our encoders' code; sequences that it does not know are a failure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;

/// A character with its colour and that of its ground, if one was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub text: char,
    pub ink: Option<[u8; 3]>,
    pub ground: Option<[u8; 3]>,
}

/// A picture, and the cell of its top left corner.
#[derive(Debug, Clone)]
pub struct ShownPicture {
    pub row: usize,
    pub column: usize,
    /// The columns and rows that it is scaled to.
    pub cells: Option<[usize; 2]>,
    pub pixels: RgbImage,
}

#[derive(Debug, Clone)]
pub struct Screen {
    columns: usize,
    pub cells: Vec<Vec<Cell>>,
    pub picture: Option<ShownPicture>,
    row: usize,
    column: usize,
    saved: [usize; 2],
    ink: Option<[u8; 3]>,
    ground: Option<[u8; 3]>,
    /// The keys and the data so far of kitty's picture.
    coming: Option<(String, String)>,
}

const EMPTY: Cell = Cell { text: ' ', ink: None, ground: None };

impl Screen {
    pub fn new(columns: usize, rows: usize) -> Self {
        let cells = vec![vec![EMPTY; columns]; rows];
        let (row, column, saved) = (0, 0, [0; 2]);
        Self { columns, cells, picture: None, row, column, saved, ink: None, ground: None, coming: None }
    }

    /// The lines as text, without empty ones.
    pub fn text(&self) -> Vec<String> {
        let line = |cells: &Vec<Cell>| cells.iter().map(|cell| cell.text).collect::<String>().trim_end().to_owned();
        self.cells.iter().map(line).filter(|line| !line.is_empty()).collect()
    }

    /// Shows all this; calls `on_update` at the end of each synchronised update (mode 2026).
    pub fn play(&mut self, bytes: &[u8], mut on_update: impl FnMut(&Self)) {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        let mut rest = text.chars();
        while let Some(next) = rest.next() {
            match next {
                '\r' => self.column = 0,
                '\n' => self.line_feed(),
                // Backspace and bell are of the shell's echo.
                '\x07' | '\x08' => {}
                '\x1b' => match rest.next() {
                    Some('[') => {
                        let params: String = rest.clone().take_while(|c| !c.is_ascii_alphabetic()).collect();
                        let last = rest.nth(params.len()).expect("the end of a sequence");
                        if (params.as_str(), last) == ("?2026", 'l') {
                            on_update(self);
                        }
                        self.control(&params, last);
                    }
                    Some('7') => self.saved = [self.row, self.column],
                    Some('8') => [self.row, self.column] = self.saved,
                    Some(kind @ ('P' | '_')) => {
                        let (data, after) = rest.as_str().split_once("\x1b\\").expect("the end of a string");
                        rest = after.chars();
                        if kind == 'P' { self.sixel(data) } else { self.kitty(data) }
                    }
                    other => panic!("expected a sequence that this terminal knows but found ESC {other:?}"),
                },
                text => {
                    if self.column == self.columns {
                        self.column = 0;
                        self.line_feed();
                    }
                    self.cells[self.row][self.column] = Cell { text, ink: self.ink, ground: self.ground };
                    self.column += 1;
                }
            }
        }
    }

    fn line_feed(&mut self) {
        if self.row + 1 < self.cells.len() {
            self.row += 1;
            return;
        }
        self.cells.remove(0);
        self.cells.push(vec![EMPTY; self.columns]);
        if let Some(picture) = &mut self.picture {
            picture.row = picture.row.checked_sub(1).expect("a picture that is wholly on the screen");
        }
    }

    fn control(&mut self, params: &str, last: char) {
        let numbers: Vec<usize> = params.split(';').map(|number| number.parse().unwrap_or(0)).collect();
        let first = numbers[0];
        match last {
            'A' => self.row = self.row.saturating_sub(first.max(1)),
            'B' => self.row = (self.row + first.max(1)).min(self.cells.len() - 1),
            'J' if first == 0 => {
                self.cells[self.row][self.column.min(self.columns - 1)..].fill(EMPTY);
                self.cells[self.row + 1..].iter_mut().for_each(|row| row.fill(EMPTY));
                // Sixels are erased as text is.
                if self.picture.as_ref().is_some_and(|picture| picture.row >= self.row) {
                    self.picture = None;
                }
            }
            'K' if first == 2 => self.cells[self.row].fill(EMPTY),
            'K' if first == 0 => self.cells[self.row][self.column.min(self.columns - 1)..].fill(EMPTY),
            'm' => match numbers[..] {
                [0] => (self.ink, self.ground) = (None, None),
                [38, 2, r, g, b] => self.ink = Some([r, g, b].map(|value| value as u8)),
                [48, 2, r, g, b] => self.ground = Some([r, g, b].map(|value| value as u8)),
                _ => panic!("expected 24-bit colours but found {params}m"),
            },
            // The question for the device's attributes.
            'c' if params.is_empty() => {}
            // Modes of the shell and of updates.
            'h' | 'l' if params.starts_with('?') => {}
            _ => panic!("expected a sequence that this terminal knows but found CSI {params}{last}"),
        }
    }

    fn place(&mut self, cells: Option<[usize; 2]>, pixels: RgbImage) {
        self.picture = Some(ShownPicture { row: self.row, column: self.column, cells, pixels });
    }

    fn kitty(&mut self, command: &str) {
        let (keys, data) = command.strip_prefix('G').expect("a graphics command").split_once(';').unwrap_or_default();
        let keys = if keys.is_empty() { &command[1..] } else { keys };
        let value = |keys: &str, name: &str| {
            keys.split(',').find_map(|key| key.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
        };
        if value(keys, "a").as_deref() == Some("d") {
            self.picture = None;
            return;
        }
        let (first, mut all) = self.coming.take().unwrap_or_else(|| (keys.to_owned(), String::new()));
        all += data;
        if value(keys, "m").as_deref() == Some("1") {
            self.coming = Some((first, all));
            return;
        }
        assert_eq!(
            [value(&first, "a"), value(&first, "f"), value(&first, "C")],
            ["T", "100", "1"].map(|text| Some(text.to_owned()))
        );
        let png = STANDARD.decode(all).expect("base64");
        let number = |name| value(&first, name).map(|value| value.parse().expect("a number"));
        let cells = number("c").zip(number("r")).map(|(columns, rows)| [columns, rows]);
        self.place(cells, image::load_from_memory(&png).expect("a PNG").to_rgb8());
    }

    /// DEC STD 070, §9.
    fn sixel(&mut self, text: &str) {
        let (_, data) = text.split_once('q').expect("sixels");
        let mut palette = vec![[0_u8; 3]; 256];
        let mut image = RgbImage::new(0, 0);
        let (mut color, mut x, mut y, mut rest) = (0, 0, 0, data);
        let numbers = |text: &mut &str| -> Vec<usize> {
            let end = text.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(text.len());
            let (numbers, after) = text.split_at(end);
            *text = after;
            numbers.split(';').map(|number| number.parse().expect("a number")).collect()
        };
        while let Some(next) = rest.chars().next() {
            rest = &rest[1..];
            let mut repeat = 1;
            let mut sixel = next;
            match next {
                '"' => {
                    let attributes = numbers(&mut rest);
                    assert_eq!(attributes[..2], [1, 1], "square pixels");
                    image = RgbImage::new(attributes[2] as u32, attributes[3] as u32);
                    continue;
                }
                '#' => {
                    let numbers = numbers(&mut rest);
                    color = numbers[0];
                    if let [_, 2, r, g, b] = numbers[..] {
                        palette[color] = [r, g, b].map(|percent| (percent * 255 / 100) as u8);
                    }
                    continue;
                }
                '$' => {
                    x = 0;
                    continue;
                }
                '-' => {
                    (x, y) = (0, y + 6);
                    continue;
                }
                '!' => {
                    repeat = numbers(&mut rest)[0] as u32;
                    sixel = rest.chars().next().expect("what is repeated");
                    rest = &rest[1..];
                }
                _ => {}
            }
            let bits = (sixel as u32).checked_sub(63).filter(|bits| *bits < 64).expect("a sixel");
            for column in x..x + repeat {
                for bit in (0..6).filter(|bit| bits >> bit & 1 == 1) {
                    image.put_pixel(column, y + bit, image::Rgb(palette[color]));
                }
            }
            x += repeat;
        }
        self.place(None, image);
    }
}
