//! A screen without hardware: Xvfb, with a picture written into its frame buffer.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Group, REMEDY};

/// A screen whose server is ended when this value is dropped.
pub struct XServer {
    server: Child,
    _group: Group,
    display: String,
    width: u32,
    height: u32,
    screen: File,
    _folder: TempDir,
}

impl XServer {
    /// A black screen of this size, 24 bits deep.
    ///
    /// # Panics
    /// When Xvfb is missing or does not start.
    pub fn start(width: u32, height: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let group = Group::new();
        let mut command = Command::new("Xvfb");
        command.process_group(group.id());
        // Otherwise the server clears its screen when its last client leaves.
        command.args([
            "-noreset",
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-screen",
            "0",
            &format!("{width}x{height}x24"),
        ]);
        command.arg("-fbdir").arg(folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().unwrap_or_else(|error| panic!("Xvfb: {error}; {REMEDY}"));
        // The server prints its display's number once it listens.
        let mut line = String::new();
        BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut line).expect("a number");
        let screen = OpenOptions::new().read(true).write(true).open(folder.path().join("Xvfb_screen0"));
        let display = format!(":{}", line.trim());
        Self {
            server,
            _group: group,
            display,
            width,
            height,
            screen: screen.expect("the frame buffer"),
            _folder: folder,
        }
    }

    /// The display's name, such as `:0`, for `DISPLAY` and x11grab.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Fills the rectangle from (x, y) on with a colour.
    pub fn fill(&self, (x, y): (u32, u32), (width, height): (u32, u32), [red, green, blue]: [u8; 3]) {
        assert!(x + width <= self.width && y + height <= self.height, "a rectangle on the screen");
        // The format of xwd: a header of big-endian words, a table of colours, rows of B, G, R, 0.
        let (pixels, stride) = (self.word(0) + self.word(19) * 12, self.word(12));
        let row = [blue, green, red, 0].repeat(width as usize);
        for line in y..y + height {
            let place = pixels + u64::from(line) * stride + u64::from(x) * 4;
            self.screen.write_all_at(&row, place).expect("a drawn row");
        }
    }

    /// The red, green and blue of each pixel of the rectangle from (x, y) on, row by row.
    pub fn pixels(&self, (x, y): (u32, u32), (width, height): (u32, u32)) -> Vec<u8> {
        assert!(x + width <= self.width && y + height <= self.height, "a rectangle on the screen");
        let (pixels, stride) = (self.word(0) + self.word(19) * 12, self.word(12));
        let mut row = vec![0; width as usize * 4];
        let mut colors = Vec::with_capacity(width as usize * height as usize * 3);
        for line in y..y + height {
            self.screen.read_exact_at(&mut row, pixels + u64::from(line) * stride + u64::from(x) * 4).expect("a row");
            colors.extend(row.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]));
        }
        colors
    }

    fn word(&self, index: u64) -> u64 {
        let mut word = [0; 4];
        self.screen.read_exact_at(&mut word, index * 4).expect("a header");
        u32::from_be_bytes(word).into()
    }
}

impl Drop for XServer {
    fn drop(&mut self) {
        // Ended by a signal that lets it remove its socket and its lock.
        let id = Pid::from_child(&self.server);
        kill_process(id, Signal::TERM).ok();
        drop(self.server.wait());
    }
}
