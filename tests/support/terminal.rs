//! A real terminal, made by `script` (util-linux), in which the program runs.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::program::Bench;

const LIMIT: Duration = Duration::from_secs(60);

/// The terminal's size.
pub const COLUMNS: usize = 200;
pub const ROWS: usize = 40;

/// A terminal in which a command runs, and what is seen on it.
pub struct Terminal {
    script: Child,
    keys: ChildStdin,
    shown: Receiver<Vec<u8>>,
    /// All that was seen, and how much of it was waited for.
    seen: Vec<u8>,
    waited_for: usize,
}

impl Terminal {
    /// Runs the program with these arguments in the bench's folder, then shows the terminal's settings.
    pub fn run(bench: &Bench, arguments: &str) -> Self {
        Self::run_after(bench, ":", arguments)
    }

    /// The same after this command of the shell.
    pub fn run_after(bench: &Bench, command: &str, arguments: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_framereel");
        // The trap keeps the shell alive when Ctrl-C ends the program: what a shell does otherwise differs (dash ends, bash goes on).
        let line = format!(
            "trap : INT; stty cols {COLUMNS} rows {ROWS}; {command}; {program} {arguments}; echo ended $?; stty -a; echo over"
        );
        let mut command = Command::new("script");
        command
            .args(["-qefc", &line, "/dev/null"])
            .current_dir(bench.folder())
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh");
        for name in ["XDG_RUNTIME_DIR", "KITTY_WINDOW_ID", "TERM_PROGRAM", "TMUX"] {
            command.env_remove(name);
        }
        let mut script =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script, which util-linux brings");
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
        Self { script, keys, shown, seen: Vec::new(), waited_for: 0 }
    }

    pub fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).and_then(|()| self.keys.flush()).expect("an open terminal");
    }

    /// Waits until this is seen; gives what was seen until then, from where the wait before ended.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let new = &self.seen[self.waited_for..];
            if let Some(at) = new.windows(text.len()).position(|bytes| bytes == text.as_bytes()) {
                let until = String::from_utf8_lossy(&new[..at + text.len()]).into_owned();
                self.waited_for += at + text.len();
                return until;
            }
            let left = LIMIT.saturating_sub(began.elapsed());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(error) => panic!("expected `{text}` but found {error}: {:?}", String::from_utf8_lossy(new)),
            }
        }
    }

    /// Takes nothing more from the program, as a connection that hangs, until [`Terminal::go_on`].
    pub fn hang(&self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.script), signal).expect("a process to signal");
    }

    /// All that was seen so far.
    pub fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// Waits for the end; checks that it was a good one and that the terminal is as it was.
    #[track_caller]
    pub fn ends_well(&mut self) {
        self.ends_with(0);
    }

    /// The same with this exit code.
    #[track_caller]
    pub fn ends_with(&mut self, code: i32) {
        self.wait_for(&format!("ended {code}"));
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
