//! Keys during a recording, on a real terminal made by `script` (util-linux).
#![cfg(unix)]

mod support {
    pub mod program;
    pub mod tools;
}

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use support::program::Bench;

const LIMIT: Duration = Duration::from_secs(60);

/// A terminal in which a command runs, and what is seen on it.
struct Terminal {
    script: Child,
    keys: ChildStdin,
    shown: Receiver<Vec<u8>>,
    /// What was seen and not yet waited for.
    seen: String,
}

impl Terminal {
    /// Runs the program with these arguments in the bench's folder, then shows the terminal's settings.
    fn run(bench: &Bench, arguments: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_framereel");
        // The trap keeps the shell alive when Ctrl-C ends the program: what a shell does otherwise differs (dash ends, bash goes on).
        let line =
            format!("trap : INT; stty cols 200 rows 40; {program} {arguments}; echo ended $?; stty -a; echo over");
        let mut command = Command::new("script");
        command
            .args(["-qefc", &line, "/dev/null"])
            .current_dir(bench.folder())
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh");
        command.env_remove("XDG_RUNTIME_DIR").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = command.spawn().expect("script, which util-linux brings");
        let keys = script.stdin.take().expect("a pipe");
        let mut out = script.stdout.take().expect("a pipe");
        let (to, shown) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                if to.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { script, keys, shown, seen: String::new() }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).and_then(|()| self.keys.flush()).expect("an open terminal");
    }

    /// Waits until this is seen; gives what was seen until then.
    #[track_caller]
    fn wait_for(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let left = LIMIT.saturating_sub(began.elapsed());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.seen += &String::from_utf8_lossy(&bytes),
                Err(error) => panic!("expected `{text}` but found {error}: {:?}", self.seen),
            }
        }
    }

    /// Waits for the end; checks that it was a good one and that the terminal is as it was.
    #[track_caller]
    fn ends_well(&mut self) {
        self.wait_for("ended 0");
        let settings = self.wait_for("over");
        let has = |flag: &str| settings.split_whitespace().any(|word| word.trim_end_matches(';') == flag);
        assert!(has("icanon") && has("echo") && has("isig"), "{settings}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

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
