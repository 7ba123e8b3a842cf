//! Judges recorded files with a real browser: headless Chromium opens a page from a small server, with the files beside
//! it, and the page's script posts its results back.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use serde_json::Value;

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
    let Some(chromium) = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| installed(name))
    else {
        tools::missing("chromium", "chromium");
        return None;
    };
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
    let mut browser = Browser(
        Command::new(chromium)
            .args(["--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-sync"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"])
            .args(["--force-color-profile=srgb", "--autoplay-policy=no-user-gesture-required"])
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .arg(format!("http://{address}/"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("the browser's log"))
            .spawn()
            .expect("chromium starts"),
    );
    let answer = answers.recv_timeout(LIMIT);
    browser.end();
    let log = fs::read_to_string(&log).unwrap_or_default();
    let answer: Value = answer.unwrap_or_else(|_| panic!("no answer from chromium within {LIMIT:?}; its log:\n{log}"));
    match answer.get("error") {
        Some(error) => panic!("the page's script failed: {error}"),
        None => Some(answer["value"].clone()),
    }
}

/// Whether this program can be started.
fn installed(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// The browser's process, which is killed when this value is dropped.
struct Browser(Child);

impl Browser {
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
