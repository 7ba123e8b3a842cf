//! Keys during a recording, on a real terminal made by `script` (util-linux).
#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses its part")]
mod support {
    pub mod program;
    pub mod terminal;
    pub mod tools;
}

use support::program::Bench;
use support::terminal::Terminal;

const RECORD: &str = "record pattern --size 64x64 --audio tone --realtime --duration 10m -o out.webm";

#[test]
fn keys_pause_mute_save_a_still_and_stop_and_the_terminal_is_as_it_was() {
    let bench = Bench::new();
    let mut terminal = Terminal::run(&bench, &format!("{RECORD} --countdown 1"));
    terminal.wait_for("1…");
    terminal.wait_for(" fps, ");
    terminal.wait_for(" dB");
    terminal.press("s");
    terminal.wait_for("saved out-still-001.png");
    terminal.press("s");
    terminal.wait_for("saved out-still-002.png");
    terminal.press("m");
    terminal.wait_for(", mute");
    terminal.press("p");
    terminal.wait_for(", paused");
    terminal.press("pm");
    // The line is drawn anew, without a word of either.
    terminal.wait_for(" dB");
    terminal.press("\n");
    terminal.ends_well();
    assert_eq!(bench.names(), ["out-still-001.png", "out-still-002.png", "out.webm"]);
    let still = image::open(bench.path("out-still-001.png")).expect("a picture");
    assert_eq!((still.width(), still.height()), (64, 64));
}

#[test]
fn ctrl_c_is_still_a_signal_and_the_terminal_is_as_it_was() {
    let bench = Bench::new();
    let mut terminal = Terminal::run(&bench, RECORD);
    terminal.wait_for(" fps, ");
    terminal.press("\x03");
    terminal.ends_well();
    bench.run(["inspect", "out.webm"]).succeeded();
}
