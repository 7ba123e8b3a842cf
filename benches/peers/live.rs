//! How many of the frames of a live recording are kept: a moving picture of 1280x720 at 30 frames a second for 6 s, through
//! `sepia(1)` to VP8, by headless Chromium (`canvas.filter`, `captureStream` and `MediaRecorder`) and by framereel.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::job::framereel;
use crate::{browser, tool};

/// 6 s at 30 a second.
const FRAMES: usize = 180;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveRow {
    pub name: String,
    pub kept: Option<usize>,
    pub of: usize,
    /// Why there is no number.
    pub note: Option<String>,
    #[serde(skip)]
    pub failed: bool,
}

impl LiveRow {
    fn new(name: &str, kept: Result<Option<usize>, String>) -> Self {
        let (note, failed) = match &kept {
            Ok(Some(_)) => (None, false),
            Ok(None) => (Some("not here".into()), false),
            Err(error) => {
                eprintln!("live, {name}: {error}");
                (Some("failed".into()), true)
            }
        };
        Self { name: name.into(), kept: kept.ok().flatten(), of: FRAMES, note, failed }
    }

    /// The cells of its table.
    pub fn markdown(&self) -> String {
        let kept = self.kept.map(|kept| format!("{kept} of {}", self.of));
        format!("{} | {}", self.name, kept.or(self.note.clone()).unwrap_or_default())
    }
}

pub fn measure(program: &Path, folder: &Path, wants: impl Fn(&str) -> bool) -> Vec<LiveRow> {
    let mut rows = Vec::new();
    if wants("framereel") {
        rows.push(LiveRow::new("framereel", ours(program, &folder.join("live.webm"))));
    }
    if wants("Chromium") {
        rows.push(LiveRow::new("Chromium", chromium(&folder.join("chromium.webm"))));
    }
    rows
}

fn ours(program: &Path, file: &Path) -> Result<Option<usize>, String> {
    if !tool::is_here("ffprobe") {
        return Ok(None);
    }
    let mut command = framereel(program);
    command.args(["pattern", "--size", "1280x720", "--fps", "30", "--duration", "6s", "--realtime"]);
    command.args(["--filter", "sepia(1)", "--codec", "vp8", "--encoder", "vpx", "--force", "-o"]).arg(file);
    tool::run(&mut command)?;
    tool::pictures(file).map(Some)
}

fn chromium(file: &Path) -> Result<Option<usize>, String> {
    if !tool::is_here("ffprobe") {
        return Ok(None);
    }
    // Its panic is printed.
    let answer = catch_unwind(|| browser::judge(&[], SCRIPT)).map_err(|_| "the page gave no recording".to_owned())?;
    let Some(answer) = answer else { return Ok(None) };
    let bytes = STANDARD.decode(answer.as_str().unwrap_or_default()).map_err(|error| error.to_string())?;
    fs::write(file, bytes).map_err(|error| error.to_string())?;
    tool::pictures(file).map(Some)
}

/// Records for 6 s; the file in base64.
const SCRIPT: &str = r#"
    const [drawn, shown] = [0, 1].map(() => {
      const canvas = document.createElement("canvas");
      canvas.width = 1280;
      canvas.height = 720;
      return canvas.getContext("2d");
    });
    document.body.append(shown.canvas);
    const draw = (now) => {
      for (let bar = 0; bar < 16; bar++) {
        drawn.fillStyle = `hsl(${bar * 22.5 + now / 10} 80% 50%)`;
        drawn.fillRect(bar * 80, 0, 80, 720);
      }
      drawn.fillStyle = "white";
      drawn.fillRect((now / 4) % 1280, (now / 7) % 720, 120, 120);
      shown.filter = "sepia(1)";
      shown.drawImage(drawn.canvas, 0, 0);
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
    const options = { mimeType: "video/webm;codecs=vp8", videoBitsPerSecond: 2500000 };
    const recorder = new MediaRecorder(shown.canvas.captureStream(30), options);
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const stopped = event(recorder, "stop");
    recorder.start();
    await new Promise((resolve) => setTimeout(resolve, 6000));
    recorder.stop();
    await stopped;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(text);
"#;
