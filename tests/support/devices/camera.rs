//! Virtual cameras: the picture that they send, their pixel format, and how they are plugged in and out.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{LIMIT, Player, Session};

/// How long the white of [`Picture::Flash`] lasts.
pub const FLASH: Duration = Duration::from_millis(100);

/// The picture that the camera sends.
#[derive(Debug, Clone)]
pub enum Picture {
    /// A source of ffmpeg's lavfi without options, such as `testsrc2` or `smptebars`.
    Pattern(&'static str),
    /// A plain colour, as `#rrggbb`.
    Color(&'static str),
    /// A film, again and again, scaled to the camera's size and rate.
    Film(PathBuf),
    /// Black, and white for [`FLASH`] at 1 s, 3 s, 5 s, … after its start.
    Flash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    Yuyv,
    Nv12,
    I420,
    Mjpeg,
    Rgb,
    Gray8,
}

#[derive(Debug, Clone)]
pub struct CameraSpec {
    /// The name of the node, and of V4L2's card. Letters, digits and hyphens.
    pub name: String,
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    pub format: PixelFormat,
    pub picture: Picture,
}

/// A camera that is plugged in until it is killed or dropped. The first program that streams gets all frames; plug in a
/// fresh camera for each further program.
pub struct Camera<'a> {
    session: &'a Session,
    name: String,
    player: Player,
}

impl Session {
    /// Plugs in a camera, which offers this one format, size and rate.
    pub fn camera(&self, spec: &CameraSpec) -> Camera<'_> {
        let pipeline = format!("! {}", spec.pipeline());
        let mut player = self.play(&spec.name, &[spec.ffmpeg_input(), spec.ffmpeg_codec()].concat(), &pipeline);
        self.until("the camera", &mut player.sender, || self.node(&spec.name).is_some());
        Camera { session: self, name: spec.name.clone(), player }
    }
}

impl Camera<'_> {
    /// Stops sending frames, until [`Camera::resume`].
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Sends frames again.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.player.sender.child), signal).expect("a signal that arrives");
    }

    /// Unplugs it, and waits until it is gone.
    pub fn kill(self) {
        let Self { session, name, player } = self;
        drop(player);
        let began = Instant::now();
        while session.node(&name).is_some() {
            assert!(began.elapsed() < LIMIT, "the camera {name} is still there");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl PixelFormat {
    /// V4L2's name.
    pub fn fourcc(self) -> &'static str {
        match self {
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
            Self::I420 => "YU12",
            Self::Mjpeg => "MJPG",
            Self::Rgb => "RGB3",
            Self::Gray8 => "GREY",
        }
    }

    fn gstreamer(self) -> &'static str {
        match self {
            Self::Yuyv => "video/x-raw,format=YUY2",
            Self::Nv12 => "video/x-raw,format=NV12",
            Self::I420 => "video/x-raw,format=I420",
            Self::Mjpeg => "image/jpeg",
            Self::Rgb => "video/x-raw,format=RGB",
            Self::Gray8 => "video/x-raw,format=GRAY8",
        }
    }
}

impl CameraSpec {
    pub(super) fn ffmpeg_input(&self) -> Vec<String> {
        let Self { width, height, fps, .. } = self;
        let options = format!("size={width}x{height}:rate={fps}");
        let source = match &self.picture {
            Picture::Pattern(name) => format!("{name}={options}"),
            Picture::Color(color) => format!("color={color}:{options}"),
            Picture::Flash => {
                // A time may be slightly less than its full second by rounding.
                let white = format!("lt(mod(t+1.001,2),{})", FLASH.as_secs_f64());
                format!("color=black:{options},drawbox=color=white:t=fill:enable='{white}'")
            }
            Picture::Film(path) => {
                let filter = format!("scale={width}:{height},fps={fps}");
                return words(&["-stream_loop", "-1", "-i", &path.to_string_lossy(), "-an", "-vf", &filter]);
            }
        };
        words(&["-f", "lavfi", "-i", &source])
    }

    pub(super) fn ffmpeg_codec(&self) -> Vec<String> {
        match self.format {
            PixelFormat::Mjpeg => words(&["-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "3"]),
            _ => words(&["-pix_fmt", "yuv420p", "-c:v", "rawvideo"]),
        }
    }

    /// The pipeline from the demuxer to a camera: late frames are dropped, as in a real camera. It allocates its own
    /// buffers (`drop-allocation`), because pw-v4l2 requests too small or too large ones.
    pub(super) fn pipeline(&self) -> String {
        let Self { name, width, height, fps, format, .. } = self;
        let convert = if *format == PixelFormat::Mjpeg { "" } else { "videoconvert !" };
        let caps = format!("{},width={width},height={height},framerate={fps}/1", format.gstreamer());
        let class = "media.class=Video/Source,media.role=Camera";
        let sink = "identity drop-allocation=true ! pipewiresink mode=provide max-lateness=50000000";
        format!("{convert} {caps} ! {sink} stream-properties=props,{class},node.name={name},node.description={name}")
    }
}

impl Default for CameraSpec {
    fn default() -> Self {
        let (name, picture) = ("testcam".to_owned(), Picture::Pattern("testsrc2"));
        Self { name, width: 640, height: 480, fps: 30, format: PixelFormat::Yuyv, picture }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
