//! Judges recorded files with a real browser: headless Chromium opens a page from a small server, with the files beside
//! it, and the page's script posts its results back; or it opens a page of its own, such as its developer tools.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::tools;

/// How long the browser may take, including its start.
const LIMIT: Duration = Duration::from_secs(60);

/// The largest answer, in bytes.
const ANSWER_LIMIT: usize = 16 << 20;

/// Runs `script`, the body of an async function, in a page that finds `files` at `/name`, and returns its result. None
/// where there is no Chromium.
///
/// The script may use `open(url)`, which gives a `<video>` once its metadata is loaded; `seek(video, seconds)`;
/// `pixels(video, points)`, which draws the current frame to a canvas and gives `[r, g, b]` at each `[x, y]`; and
/// `each(tasks, look)`, which looks at one task after the other, lets their videos go, and gives what was seen, or errors.
///
/// # Panics
/// When the script throws, or no result comes in time.
#[track_caller]
pub fn judge(files: &[(&str, &Path)], script: &str) -> Option<Value> {
    let chromium = installed_chromium()?;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("the port's number");
    let site = Arc::new(Site {
        page: PAGE.replace("SCRIPT", script),
        files: files.iter().map(|(name, path)| (format!("/{name}"), path.to_path_buf())).collect(),
    });
    let (sender, answers) = mpsc::channel();
    // The server ends with the test's process: a thread that waits for connections cannot be interrupted.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (site, sender) = (site.clone(), sender.clone());
            // The browser may break off downloads; that is not a failure.
            thread::spawn(move || drop(site.serve(stream, &sender)));
        }
    });

    let profile = tempfile::tempdir().expect("a folder for the browser's profile");
    let log = profile.path().join("log");
    let mut browser = Browser::start(Command::new(chromium), profile.path(), &format!("http://{address}/"), &log);
    let (answer, _) = browser.answer(&answers, &log);
    match answer.get("error") {
        Some(error) => panic!("the page's script failed: {error}"),
        None => Some(answer["value"].clone()),
    }
}

/// Runs `script`, the body of an async function, in one of Chromium's own pages, such as
/// `devtools://devtools/bundled/devtools_app.html`, and returns its result. None where there is no Chromium.
///
/// # Panics
/// When the script throws, or no result comes in time.
#[track_caller]
pub fn evaluate_in(page: &str, script: &str) -> Option<Value> {
    let chromium = installed_chromium()?;
    let profile = tempfile::tempdir().expect("a folder for the browser's profile");
    let [log, to, from] = ["log", "to", "from"].map(|name| profile.path().join(name));
    let made = Command::new("mkfifo").args([&to, &from]).status().expect("mkfifo, of coreutils");
    assert!(made.success(), "no named pipes: {made}");
    // Chromium reads commands from descriptor 3, and answers on descriptor 4.
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$@\" 3<\"$TO\" 4>\"$FROM\"", "sh", chromium]).env("TO", &to).env("FROM", &from);
    let mut browser = Browser::start(shell, profile.path(), "--remote-debugging-pipe", &log);
    let (sender, answers) = mpsc::channel();
    let (page, script) = (page.to_owned(), script.to_owned());
    // Opening and reading a pipe cannot be interrupted; the thread ends with the browser, or with the test's process.
    thread::spawn(move || sender.send(DevTools::open(&to, &from).and_then(|mut tools| tools.evaluate(&page, &script))));
    let (answer, log) = browser.answer(&answers, &log);
    Some(answer.unwrap_or_else(|error| panic!("{error}; chromium's log:\n{log}")))
}

/// The name of a Chromium that can be started.
fn installed_chromium() -> Option<&'static str> {
    let starts = |program: &&str| {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(starts);
    if found.is_none() {
        tools::missing("chromium", "chromium");
    }
    found
}

/// The Chrome DevTools Protocol on two pipes: messages are JSON, each with a zero byte at its end
/// (https://chromedevtools.github.io/devtools-protocol/).
struct DevTools {
    to: File,
    from: BufReader<File>,
    /// How many commands were sent.
    sent: u64,
    /// The page's session, once there is one.
    session: Option<String>,
    /// The documents that have loaded, by their loaders' numbers.
    loaded: Vec<Value>,
}

impl DevTools {
    /// Opens the pipes, in the order in which the other side does.
    fn open(to: &Path, from: &Path) -> io::Result<Self> {
        let to = OpenOptions::new().write(true).open(to)?;
        let from = BufReader::new(File::open(from)?);
        Ok(Self { to, from, sent: 0, session: None, loaded: Vec::new() })
    }

    fn evaluate(&mut self, page: &str, script: &str) -> io::Result<Value> {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }))?["targetId"].clone();
        let attached = self.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }))?;
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        self.call("Page.enable", json!({}))?;
        self.call("Page.setLifecycleEventsEnabled", json!({ "enabled": true }))?;
        let opened = self.call("Page.navigate", json!({ "url": page }))?;
        if let Some(error) = opened["errorText"].as_str() {
            return Err(io::Error::other(format!("{page} was not opened: {error}")));
        }
        // The event may come before the answer to the command.
        while !self.loaded.contains(&opened["loaderId"]) {
            self.message()?;
        }
        let expression = format!("(async () => {{ {script} }})()");
        let options = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", options)?;
        match answer.get("exceptionDetails") {
            Some(details) => Err(io::Error::other(format!("the page's script failed: {details}"))),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Sends a command, and waits for its result.
    fn call(&mut self, method: &str, params: Value) -> io::Result<Value> {
        self.sent += 1;
        let mut command = json!({ "id": self.sent, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{command}\0").as_bytes())?;
        loop {
            let message = self.message()?;
            if message["id"] == self.sent {
                let failed = || io::Error::other(format!("{method} failed: {message}"));
                return message.get("result").cloned().ok_or_else(failed);
            }
        }
    }

    fn message(&mut self) -> io::Result<Value> {
        let mut text = Vec::new();
        self.from.read_until(0, &mut text)?;
        if text.pop() != Some(0) {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "chromium has ended"));
        }
        let message: Value = serde_json::from_slice(&text)?;
        if message["method"] == "Page.lifecycleEvent" && message["params"]["name"] == "load" {
            self.loaded.push(message["params"]["loaderId"].clone());
        }
        Ok(message)
    }
}

/// The browser's process, which is killed when this value is dropped.
struct Browser(Child);

impl Browser {
    /// Starts the browser without a window; `last` is its last argument.
    fn start(mut command: Command, profile: &Path, last: &str, log: &Path) -> Self {
        let child = command
            .args(["--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-sync"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"])
            .args(["--force-color-profile=srgb", "--autoplay-policy=no-user-gesture-required"])
            .arg(format!("--user-data-dir={}", profile.join("profile").display()))
            .arg(last)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log).expect("the browser's log"))
            .spawn();
        Self(child.expect("chromium starts"))
    }

    /// Waits for an answer, and ends the browser; the answer, and what the browser logged.
    #[track_caller]
    fn answer<T>(&mut self, answers: &Receiver<T>, log: &Path) -> (T, String) {
        let answer = answers.recv_timeout(LIMIT);
        self.end();
        let log = fs::read_to_string(log).unwrap_or_default();
        match answer {
            Ok(answer) => (answer, log),
            Err(_) => panic!("no answer from chromium within {LIMIT:?}; its log:\n{log}"),
        }
    }

    fn end(&mut self) {
        // The browser may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.end();
    }
}

struct Site {
    page: String,
    files: HashMap<String, PathBuf>,
}

impl Site {
    /// Answers one request and closes.
    fn serve(&self, mut stream: TcpStream, answers: &Sender<Value>) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let mut range = None;
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
                break;
            }
            match header.trim().to_ascii_lowercase().split_once(": ") {
                Some(("range", value)) => range = value.strip_prefix("bytes=").map(str::to_owned),
                Some(("content-length", value)) => length = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        if method == "POST" && path == "/result" && length <= ANSWER_LIMIT {
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            if let Ok(value) = serde_json::from_slice(&body) {
                // A second answer is not received by anything.
                let _ = answers.send(value);
            }
            return respond(&mut stream, "204 No Content", "", &[]);
        }
        if path == "/" {
            return respond(&mut stream, "200 OK", "Content-Type: text/html; charset=utf-8\r\n", self.page.as_bytes());
        }
        let Some(file) = self.files.get(path) else {
            return respond(&mut stream, "404 Not Found", "", &[]);
        };
        let data = fs::read(file)?;
        let head = format!("Accept-Ranges: bytes\r\nContent-Type: {}\r\n", content_type(path));
        let Some(range) = range else {
            return respond(&mut stream, "200 OK", &head, &data);
        };
        match bytes_of(&range, data.len()) {
            Some((first, end)) => {
                let head = format!("{head}Content-Range: bytes {first}-{}/{}\r\n", end - 1, data.len());
                respond(&mut stream, "206 Partial Content", &head, &data[first..end])
            }
            None => {
                let head = format!("Content-Range: bytes */{}\r\n", data.len());
                respond(&mut stream, "416 Range Not Satisfiable", &head, &[])
            }
        }
    }
}

/// The MIME type of a file of this name.
fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("ogg" | "opus") => "audio/ogg",
        Some("wav") => "audio/wav",
        Some("mp4") => "video/mp4",
        _ => "video/webm",
    }
}

/// The first byte and the one after the last of `100-199`, `100-` or `-100` (RFC 9110 §14.1.2), for a file of this
/// length.
fn bytes_of(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.split_once('-')?;
    let (first, end) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => (first, last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) => (first, length),
        (Err(_), Ok(count)) => (length.saturating_sub(count), length),
        (Err(_), Err(_)) => return None,
    };
    (first < end).then_some((first, end))
}

fn respond(stream: &mut TcpStream, status: &str, head: &str, body: &[u8]) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)?;
    stream.flush()
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<script type="module">
const event = (target, name) => new Promise((resolve, reject) => {
  target.addEventListener(name, resolve, { once: true });
  target.addEventListener("error", () => reject(new Error(target.error?.message ?? "media error")), { once: true });
});
const open = async (url) => {
  const video = document.createElement("video");
  video.muted = true;
  video.preload = "auto";
  document.body.append(video);
  const loaded = event(video, "loadeddata");
  video.src = url;
  await loaded;
  return video;
};
const seek = async (video, seconds) => {
  // The time of the frame that is there to be drawn; null before there is one.
  const shown = () => {
    try {
      const frame = new VideoFrame(video);
      frame.close();
      return frame.timestamp;
    } catch {
      return null;
    }
  };
  const before = shown();
  const seeked = event(video, "seeked");
  video.currentTime = seconds;
  await seeked;
  // `seeked` can come before the new frame is there to be drawn. A second without a new one: it is the same frame.
  const began = performance.now();
  for (let now = shown(); now === null || now === before; now = shown()) {
    if (performance.now() - began > (now === null ? 5000 : 1000)) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
const each = async (tasks, look) => {
  const seen = [];
  for (const task of tasks) {
    seen.push(await look(task).catch((error) => ({ error: String(error) })));
    for (const video of document.querySelectorAll("video")) {
      video.remove();
      video.removeAttribute("src");
      video.load();
    }
  }
  return seen;
};
const pixels = (video, points) => {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return points.map(([x, y]) => [...data.slice((y * canvas.width + x) * 4, (y * canvas.width + x) * 4 + 3)]);
};
const judge = async () => { SCRIPT };
const answer = await judge().then((value) => ({ value }), (error) => ({ error: String(error?.stack ?? error) }));
await fetch("/result", { method: "POST", body: JSON.stringify(answer) });
</script>
"#;
