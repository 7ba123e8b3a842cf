//! The film that all read, and its decoded frames.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tool;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clips/bunny.webm");

#[derive(Debug)]
pub struct Film {
    pub path: PathBuf,
    /// None without ffprobe.
    pub facts: Option<Facts>,
    /// For what is made of it.
    folder: PathBuf,
    y4m: OnceCell<Result<PathBuf, String>>,
    i420: OnceCell<Result<PathBuf, String>>,
}

#[derive(Debug, Clone)]
pub struct Facts {
    pub width: u32,
    pub height: u32,
    /// Frames a second, as a fraction.
    pub rate: (u32, u32),
    pub frames: usize,
    /// Whether it says what its matrix is.
    pub tagged: bool,
}

impl Film {
    /// Opens this film, or makes one of the repository's clip; only its first frames where `frames` says so.
    pub fn open(given: Option<&Path>, frames: Option<usize>, folder: &Path) -> Result<Self, String> {
        let path = match given {
            Some(path) if !path.is_file() => {
                return Err(format!(
                    "expected a film in {} but found no such file; give another --film",
                    path.display()
                ));
            }
            Some(path) => beginning(path, frames, folder)?,
            // Whatever plays nothing but AV1 reads the clip itself.
            None if !tool::is_here("ffmpeg") => CLIP.into(),
            None => scaled_clip(frames, folder)?,
        };
        let facts = tool::is_here("ffprobe").then(|| facts(&path)).transpose()?;
        Ok(Self { path, facts, folder: folder.into(), y4m: OnceCell::new(), i420: OnceCell::new() })
    }

    /// How many frames are 2 s; at 25 frames a second if nothing says otherwise.
    pub fn key_distance(&self) -> usize {
        let (frames, seconds) = self.facts.as_ref().map_or((25, 1), |facts| facts.rate);
        (2.0 * f64::from(frames) / f64::from(seconds)).round().max(1.0) as usize
    }

    pub fn is_tagged(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.tagged)
    }

    /// All frames decoded, in YUV4MPEG2.
    pub fn y4m(&self) -> Result<&Path, String> {
        self.decoded(&self.y4m, "film.y4m", "yuv4mpegpipe")
    }

    /// All frames decoded, without any header.
    pub fn i420(&self) -> Result<&Path, String> {
        self.decoded(&self.i420, "film.yuv", "rawvideo")
    }

    fn decoded<'a>(
        &self,
        cell: &'a OnceCell<Result<PathBuf, String>>,
        name: &str,
        format: &str,
    ) -> Result<&'a Path, String> {
        let made = cell.get_or_init(|| {
            let path = self.folder.join(name);
            let mut command = tool::ffmpeg(&self.path);
            command.args(["-pix_fmt", "yuv420p", "-f", format]).arg(&path);
            tool::run(&mut command).map(|_| path)
        });
        made.as_deref().map_err(String::clone)
    }
}

/// The first frames of a film, in a file of the same format; the film itself where there is no limit.
fn beginning(film: &Path, frames: Option<usize>, folder: &Path) -> Result<PathBuf, String> {
    let Some(frames) = frames else { return Ok(film.into()) };
    let path = folder.join("beginning").with_extension(film.extension().unwrap_or("mkv".as_ref()));
    let mut command = tool::ffmpeg(film);
    command.args(["-c", "copy", "-frames:v", &frames.to_string()]).arg(&path);
    tool::run(&mut command).map(|_| path)
}

fn scaled_clip(frames: Option<usize>, folder: &Path) -> Result<PathBuf, String> {
    let path = folder.join("bunny-720p.mp4");
    let mut command = tool::ffmpeg(Path::new(CLIP));
    command.args(["-vf", "scale=1280:720:flags=lanczos", "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p"]);
    command.args(["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"]);
    if let Some(frames) = frames {
        command.args(["-frames:v", &frames.to_string()]);
    }
    tool::run(command.arg(&path)).map(|_| path)
}

fn facts(film: &Path) -> Result<Facts, String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_packets", "-select_streams", "v:0", "-of", "json", "-show_entries"]);
    command.arg("stream=width,height,avg_frame_rate,nb_read_packets,color_space").arg(film);
    let text = tool::run(&mut command)?.stdout;
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let stream = &json["streams"][0];
    let number = |key: &str| stream[key].as_u64().and_then(|number| u32::try_from(number).ok());
    let read = || {
        let (rate, per) = stream["avg_frame_rate"].as_str()?.split_once('/')?;
        let rate = (rate.parse().ok()?, per.parse().ok().filter(|per| *per > 0)?);
        let frames = stream["nb_read_packets"].as_str()?.parse().ok()?;
        let tagged = !matches!(stream["color_space"].as_str(), None | Some("unknown"));
        Some(Facts { width: number("width")?, height: number("height")?, rate, frames, tagged })
    };
    read().ok_or_else(|| format!("expected a film in {} but found {stream}; give another --film", film.display()))
}
