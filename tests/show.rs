//! `framereel record --show`, on a real terminal made by `script` (util-linux); what it shows is decoded without our code.
#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses its part")]
mod support {
    pub mod program;
    pub mod screen;
    pub mod terminal;
    pub mod tools;
}

use framereel::Size;
use framereel::source::pattern::{BARS, bar_center};
use support::program::{Bench, until};
use support::screen::{Screen, ShownPicture};
use support::terminal::{COLUMNS, ROWS, Terminal};

const RECORD: &str = "record pattern --size 320x180 --duration 4s -o out.webm";
const LIVE: &str = "record pattern --size 320x180 --realtime --duration 10m -o out.webm";

/// The screens after each picture, and the last one.
fn screens(terminal: &Terminal) -> (Vec<Screen>, Screen) {
    let mut screen = Screen::new(COLUMNS, ROWS);
    let mut screens = Vec::new();
    screen.play(terminal.seen(), |screen| screens.push(screen.clone()));
    (screens, screen)
}

/// Records the pattern with this flag, and gives the screens; checks that no frame is lost and nothing is left behind.
#[track_caller]
fn recorded(flag: &str) -> Vec<Screen> {
    let bench = Bench::new();
    let mut terminal = Terminal::run(&bench, &format!("{RECORD} {flag}"));
    terminal.ends_well();
    let found = bench.json(["inspect", "out.webm", "--json"]);
    assert_eq!(found["tracks"][0]["blocks"], 120, "{found}");
    let (screens, end) = screens(&terminal);
    assert!(screens.len() >= 2, "{} updates", screens.len());
    assert!(end.picture.is_none() && end.cells.iter().flatten().all(|cell| cell.text != '▀'), "{:?}", end.text());
    let text = end.text();
    assert!(text[0].starts_with("wrote    out.webm") && text[1].contains("120 in, 120 encoded, 0 dropped"), "{text:?}");
    screens
}

fn near(found: [u8; 3], bar: usize, off: u8) {
    assert!(found.iter().zip(BARS[bar]).all(|(a, b)| a.abs_diff(b) <= off), "{found:?} in place of {:?}", BARS[bar]);
}

/// The mean colour of the 5×5 pixels around the middle of a bar, for pictures that are dithered.
fn color_of(picture: &ShownPicture, bar: usize) -> [u8; 3] {
    let (x, y) = bar_center(Size::new(picture.pixels.width(), picture.pixels.height()), bar);
    let around = (0..25).map(|at| picture.pixels.get_pixel(x + at % 5 - 2, y + at / 5 - 2).0.map(u32::from));
    let sum = around.fold([0; 3], |sum, pixel| [0, 1, 2].map(|channel| sum[channel] + pixel[channel]));
    sum.map(|sum| (sum / 25) as u8)
}

/// The columns and rows of half blocks on this screen, and its first row.
fn blocks(screen: &Screen) -> (usize, usize, usize) {
    let count = |cells: &[support::screen::Cell]| cells.iter().filter(|cell| cell.text == '▀').count();
    let first = screen.cells.iter().position(|row| count(row) > 0).expect("a row of half blocks");
    let rows = screen.cells.iter().filter(|row| count(row) > 0).count();
    let columns = count(&screen.cells[first]);
    assert!(screen.cells[first..first + rows].iter().all(|row| count(row) == columns), "{:?}", screen.text());
    (columns, rows, first)
}

#[track_caller]
fn shows_bars_in_blocks(screen: &Screen) -> (usize, usize, usize) {
    let (columns, rows, first) = blocks(screen);
    for bar in 0..8 {
        let (x, y) = bar_center(Size::new(columns as u32, rows as u32 * 2), bar);
        let cell = screen.cells[first + y as usize / 2][x as usize];
        near(cell.ink.expect("a colour"), bar, 6);
        near(cell.ground.expect("a colour"), bar, 6);
    }
    // The strip at the bottom is dark but for its text.
    let corner = screen.cells[first + rows - 1][0].ink.expect("a colour");
    assert!(corner.iter().all(|&value| value < 30), "{corner:?}");
    (columns, rows, first)
}

#[test]
fn half_blocks_show_the_picture_in_its_place_while_it_is_recorded() {
    let screens = recorded("--show=blocks");
    // 16:9 on cells of 1:2, as large as 80 columns.
    assert_eq!(shows_bars_in_blocks(&screens[0]), (80, 23, 0));
    let places: Vec<_> = screens[..screens.len() - 1].iter().map(blocks).collect();
    assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
    // The bar is below it.
    assert!(screens[0].text().len() <= 24, "{:?}", screens[0].text());
}

#[test]
fn kittys_protocol_shows_the_picture() {
    let screens = recorded("--show=kitty");
    let picture = screens[0].picture.as_ref().expect("a picture");
    assert_eq!(picture.pixels.dimensions(), (320, 180));
    // This terminal does not tell its pixels: it scales the picture to cells.
    assert_eq!((picture.row, picture.column, picture.cells), (0, 0, Some([40, 12])));
    (0..8).for_each(|bar| near(color_of(picture, bar), bar, 6));
}

#[test]
fn sixels_show_the_picture() {
    let screens = recorded("--show=sixel");
    let picture = screens[0].picture.as_ref().expect("a picture");
    assert_eq!(picture.pixels.dimensions(), (320, 180));
    assert_eq!((picture.row, picture.column), (0, 0));
    (0..8).for_each(|bar| near(color_of(picture, bar), bar, 10));
}

#[test]
fn show_alone_asks_the_terminal_for_sixels_and_else_takes_half_blocks() {
    let bench = Bench::new();
    let mut terminal = Terminal::run(&bench, &format!("{RECORD} --show"));
    terminal.wait_for("\x1b[c");
    terminal.press("\x1b[?62;4;22c");
    terminal.ends_well();
    assert!(screens(&terminal).0[0].picture.is_some());

    let mut terminal = Terminal::run(&bench, &format!("{RECORD} --show --force"));
    terminal.wait_for("\x1b[c");
    terminal.ends_well();
    let (screens, _) = screens(&terminal);
    assert!(screens[0].picture.is_none());
    shows_bars_in_blocks(&screens[0]);
}

#[test]
fn keys_work_beside_the_picture_and_lines_are_printed_above_it() {
    let bench = Bench::new();
    let mut terminal = Terminal::run(&bench, &format!("{LIVE} --show=blocks"));
    terminal.wait_for("▀");
    terminal.press("s");
    terminal.wait_for("saved out-still-001.png");
    terminal.wait_for("▀");
    terminal.wait_for("\x1b[?2026l");
    let (shown, _) = screens(&terminal);
    let shown = shown.last().expect("a picture");
    let (_, _, first) = shows_bars_in_blocks(shown);
    assert!(first > 0 && shown.text()[0].starts_with("saved out-still-001.png"), "{:?}", shown.text());
    terminal.press("\n");
    terminal.ends_well();
    let (_, end) = screens(&terminal);
    assert!(end.text()[0].starts_with("saved") && end.text()[1].starts_with("wrote"), "{:?}", end.text());
}

#[test]
fn the_picture_follows_the_terminals_size() {
    let bench = Bench::new();
    let resize = "(while [ ! -e go ]; do sleep 0.02; done; stty cols 60 rows 20 < /dev/tty; touch gone) &";
    // A group, so that the semicolon after it is the shell's.
    let mut terminal = Terminal::run_after(&bench, &format!("{{ {resize} }}"), &format!("{LIVE} --show=blocks"));
    terminal.wait_for("▀");
    bench.write("go", "");
    until("the new size", || bench.path("gone").exists());
    // A picture of the new size takes rows of its own.
    terminal.wait_for("\x1b[J\r\r\n");
    terminal.wait_for("\x1b[?2026l");
    terminal.press("\n");
    terminal.ends_well();
    let seen = String::from_utf8_lossy(terminal.seen()).into_owned();
    let last = seen.rsplit("\x1b[?2026h").nth(1).expect("a picture");
    assert_eq!(last.matches('▀').count(), 60 * 17, "60 columns of 17 rows");
}

#[test]
fn a_terminal_that_hangs_is_not_waited_for_before_the_file_is_whole() {
    let bench = Bench::new();
    let record = "record pattern --size 320x180 --realtime --duration 3s -o out.webm --show=blocks";
    let mut terminal = Terminal::run(&bench, record);
    terminal.wait_for("▀");
    terminal.hang();
    // The file is finished while the program waits for the terminal.
    until("the end of the recording", || {
        let ran = bench.run(["inspect", "out.webm", "--json"]);
        ran.stdout.contains("\"declared_duration_s\":3.0") && ran.stdout.contains("\"faults\":[]")
    });
    terminal.go_on();
    terminal.ends_well();
}

#[test]
fn ctrl_c_removes_the_picture() {
    let bench = Bench::new();
    let mut terminal = Terminal::run(&bench, &format!("{LIVE} --show=kitty"));
    terminal.wait_for("\x1b_G");
    terminal.press("\x03");
    terminal.ends_well();
    let (_, end) = screens(&terminal);
    assert!(end.picture.is_none() && end.text().iter().any(|line| line.starts_with("wrote")), "{:?}", end.text());
}

#[test]
fn without_a_terminal_or_pictures_the_error_says_what_to_do() {
    let bench = Bench::new();
    let ran = bench.run(["record", "pattern", "--duration", "1s", "--show"]);
    ran.failed(2, &["expected standard error to be a terminal to --show the picture on", "leave out --show"]);
    bench.run(["record", "tone", "-o", "beep.ogg", "--show=blocks"]).failed(2, &["found sound alone", "--visualize"]);
    let ran = bench.run(["record", "pattern", "--show=ascii"]);
    ran.failed(2, &["expected blocks, sixel or kitty but found `ascii`"]);
    assert!(bench.names().is_empty(), "{:?}", bench.names());
}
