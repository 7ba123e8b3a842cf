//! A desktop without hardware: Xvfb, with xdotool as the hands and the frame buffer as the eyes, and what other programs
//! on it do: drop files, read the clipboard, close windows.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, PropMode, SelectionNotifyEvent,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::devices::XServer;
use crate::program::{Ran, run, until};

/// Windows are shown and recorded in real time: one at a time.
pub fn alone() -> MutexGuard<'static, ()> {
    static REAL_TIME: Mutex<()> = Mutex::new(());
    REAL_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A screen; with a window manager, if one is asked for.
pub struct Desktop {
    server: XServer,
    manager: Option<Child>,
}

impl Desktop {
    /// A screen of this size whose windows stand at its top left corner, without borders.
    pub fn new(width: u32, height: u32) -> Self {
        Self { server: XServer::start(width, height), manager: None }
    }

    /// A screen with a window manager, which can minimise windows.
    pub fn managed(width: u32, height: u32) -> Self {
        let mut desktop = Self::new(width, height);
        let mut command = Command::new("openbox");
        command.arg("--sm-disable").env("DISPLAY", desktop.server.display()).stderr(Stdio::null());
        desktop.manager = Some(command.spawn().expect("openbox, which `scripts/setup.sh test` installs"));
        let (client, screen) = desktop.connect();
        let root = client.setup().roots[screen].root;
        let manager = atom(&client, "_NET_SUPPORTING_WM_CHECK");
        until("the window manager", || {
            let reply = client.get_property(false, root, manager, AtomEnum::WINDOW, 0, 1);
            reply.is_ok_and(|cookie| cookie.reply().is_ok_and(|reply| reply.value_len > 0))
        });
        desktop
    }

    /// Starts the program, and waits for its window, whose title contains `title`.
    pub fn open(&self, mut command: Command, title: &str) -> Shown<'_> {
        command.env("DISPLAY", self.server.display()).env_remove("WAYLAND_DISPLAY");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stdout, said) = (child.stdout.take().expect("a pipe"), lines.clone());
        let mut errors = child.stderr.take().expect("a pipe");
        let stdout = thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                said.lock().unwrap().push(line.expect("a line of text"));
            }
        });
        let complaints = Arc::new(Mutex::new(String::new()));
        let complained = complaints.clone();
        let stderr = thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = errors.read(&mut bytes) {
                complained.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        let mut window = String::new();
        until("a window", || {
            if let Some(status) = child.try_wait().expect("a status") {
                panic!("{command:?} ended with {status}");
            }
            let mut search = self.xdotool(&["search", "--onlyvisible", "--name", title]);
            let found = search.output().expect("xdotool");
            window = String::from_utf8_lossy(&found.stdout).lines().next().unwrap_or_default().to_owned();
            !window.is_empty()
        });
        let shown = Shown { desktop: self, child, lines, complaints, stdout, stderr, window };
        shown.act(&["windowfocus", "--sync", &shown.window]);
        shown
    }

    fn xdotool(&self, args: &[&str]) -> Command {
        let mut command = Command::new("xdotool");
        command.args(args).env("DISPLAY", self.server.display());
        command
    }

    fn connect(&self) -> (RustConnection, usize) {
        x11rb::connect(Some(self.server.display())).expect("a connection")
    }

    /// The text in the clipboard, if there is one.
    pub fn clipboard(&self) -> Option<String> {
        let (client, screen) = self.connect();
        let own = own_window(&client, screen);
        let [clipboard, text, place] = ["CLIPBOARD", "UTF8_STRING", "TEXT_HERE"].map(|name| atom(&client, name));
        client.convert_selection(own, clipboard, text, place, x11rb::CURRENT_TIME).expect("a request");
        client.flush().expect("a connection");
        loop {
            if let Event::SelectionNotify(SelectionNotifyEvent { property, .. }) = client.wait_for_event().expect("one")
            {
                if property == x11rb::NONE {
                    return None;
                }
                let reply = client.get_property(false, own, place, text, 0, 1 << 16).expect("a request");
                return String::from_utf8(reply.reply().expect("a text").value).ok();
            }
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if let Some(manager) = &mut self.manager {
            manager.kill().ok();
            drop(manager.wait());
        }
    }
}

/// A running program with its window.
pub struct Shown<'a> {
    desktop: &'a Desktop,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    complaints: Arc<Mutex<String>>,
    stdout: JoinHandle<()>,
    stderr: JoinHandle<()>,
    window: String,
}

impl Shown<'_> {
    fn act(&self, args: &[&str]) {
        run(&mut self.desktop.xdotool(args), &[]).succeeded();
    }

    /// Presses keys, by xdotool's names.
    pub fn press(&self, keys: &[&str]) {
        self.act(&[&["key", "--delay", "30"], keys].concat());
    }

    /// Presses the mouse's button at `from`, moves to `to`, and lets go.
    pub fn drag(&self, from: (u32, u32), to: (u32, u32)) {
        let at = |(x, y): (u32, u32)| [x.to_string(), y.to_string()];
        let ([x, y], [to_x, to_y]) = (at(from), at(to));
        self.act(&["mousemove", &x, &y, "mousedown", "1", "mousemove", &to_x, &to_y, "mouseup", "1"]);
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.act(&["windowsize", &self.window, &width.to_string(), &height.to_string()]);
    }

    pub fn minimise(&self) {
        self.act(&["windowminimize", &self.window]);
    }

    pub fn restore(&self) {
        self.act(&["windowmap", &self.window]);
    }

    /// Closes the window as its border's button does.
    pub fn close(&self) {
        let (client, _) = self.desktop.connect();
        let [protocols, delete] = ["WM_PROTOCOLS", "WM_DELETE_WINDOW"].map(|name| atom(&client, name));
        self.send(&client, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
    }

    /// Drops a file on the window, as a file manager does (XDND, version 5).
    pub fn drop_file(&self, path: &Path) {
        let (client, screen) = self.desktop.connect();
        let own = own_window(&client, screen);
        let names = [
            "XdndEnter",
            "XdndPosition",
            "XdndDrop",
            "XdndSelection",
            "XdndActionCopy",
            "XdndFinished",
            "text/uri-list",
        ];
        let [enter, position, drop, selection, copy, finished, list] = names.map(|name| atom(&client, name));
        client.set_selection_owner(own, selection, x11rb::CURRENT_TIME).expect("a request");
        self.send(&client, enter, [own, 5 << 24, list, 0, 0]);
        self.send(&client, position, [own, 0, 50 << 16 | 50, x11rb::CURRENT_TIME, copy]);
        let text = format!("file://{}\r\n", path.display());
        let mut dropped = false;
        loop {
            match client.wait_for_event().expect("an event") {
                Event::SelectionRequest(asked) => {
                    client
                        .change_property8(PropMode::REPLACE, asked.requestor, asked.property, list, text.as_bytes())
                        .expect("a request");
                    let answer = SelectionNotifyEvent {
                        response_type: x11rb::protocol::xproto::SELECTION_NOTIFY_EVENT,
                        sequence: 0,
                        time: asked.time,
                        requestor: asked.requestor,
                        selection: asked.selection,
                        target: asked.target,
                        property: asked.property,
                    };
                    client.send_event(false, asked.requestor, EventMask::NO_EVENT, answer).expect("a request");
                    client.flush().expect("a connection");
                }
                Event::ClientMessage(message) if message.type_ == finished => return,
                // The answer to the position.
                Event::ClientMessage(_) if !dropped => {
                    dropped = true;
                    self.send(&client, drop, [own, 0, x11rb::CURRENT_TIME, 0, 0]);
                }
                _ => {}
            }
        }
    }

    fn send(&self, client: &RustConnection, kind: Atom, data: [u32; 5]) {
        let window = self.window.parse().expect("a window's number");
        let message = ClientMessageEvent::new(32, window, kind, data);
        client.send_event(false, window, EventMask::NO_EVENT, message).expect("a request");
        // The server has handled it before the connection may be closed.
        client.sync().expect("a connection");
    }

    /// The red, green and blue of each pixel of a part of the screen.
    pub fn pixels(&self, from: (u32, u32), size: (u32, u32)) -> Vec<u8> {
        self.desktop.server.pixels(from, size)
    }

    /// The mean red, green and blue of a part of the screen.
    pub fn mean(&self, from: (u32, u32), size: (u32, u32)) -> [f64; 3] {
        let pixels = self.pixels(from, size);
        let mut sums = [0.0; 3];
        for pixel in pixels.chunks_exact(3) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += f64::from(value);
            }
        }
        sums.map(|sum| sum / (pixels.len() / 3) as f64)
    }

    /// The lines that the program has printed.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// What it has printed on standard error.
    pub fn complaints(&self) -> String {
        self.complaints.lock().unwrap().clone()
    }

    /// Waits for a line that begins so, and returns the first one; lines before it count too.
    pub fn says(&self, begin: &str) -> String {
        let mut found = None;
        until(begin, || {
            found = self.lines().into_iter().find(|line| line.starts_with(begin));
            found.is_some()
        });
        found.expect("a line")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_none()
    }

    /// Waits for its end.
    pub fn ended(mut self) -> Ran {
        let mut status = None;
        until("the program's end", || {
            status = self.child.try_wait().expect("a status");
            status.is_some()
        });
        self.stdout.join().expect("the reader of standard output");
        self.stderr.join().expect("the reader of standard error");
        let stderr = self.complaints.lock().unwrap().clone();
        let stdout = self.lines.lock().unwrap().join("\n");
        Ran { code: status.and_then(|status| status.code()), stdout, stderr }
    }
}

fn atom(client: &RustConnection, name: &str) -> Atom {
    client.intern_atom(false, name.as_bytes()).expect("a request").reply().expect("an atom").atom
}

/// An invisible window to get answers.
fn own_window(client: &RustConnection, screen: usize) -> u32 {
    let (own, root) = (client.generate_id().expect("a number"), client.setup().roots[screen].root);
    let aux = CreateWindowAux::new();
    client.create_window(0, own, root, 0, 0, 1, 1, 0, WindowClass::INPUT_OUTPUT, 0, &aux).expect("a request");
    client.flush().expect("a connection");
    own
}
