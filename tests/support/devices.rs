//! Cameras and microphones without hardware, for the program as a child process: a private PipeWire (0.3.65, Debian 12)
//! whose cameras the program sees as `/dev/video0`, `/dev/video1`, … and whose microphone is PulseAudio's default source.
//!
//! Everything runs in one process group, which ends with the [`Session`], and also when the test's process is killed.
#![allow(dead_code, reason = "each test file uses its part")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long a daemon or a device may take to appear.
const LIMIT: Duration = Duration::from_secs(20);
const REMEDY: &str = "install what the tests need: scripts/setup.sh test";

/// A bus of its own, which starts no services.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=BUS</listen>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"#;

/// The real devices of this machine stay out.
const NO_HARDWARE: &str =
    "alsa_monitor.enabled = false\nv4l2_monitor.enabled = false\nlibcamera_monitor.enabled = false\n";

/// A private D-Bus, PipeWire, WirePlumber and PulseAudio server.
pub struct Session {
    group: Group,
    daemons: Vec<Process>,
    folder: TempDir,
}

/// What the camera sends.
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

/// How long the white lasts.
pub const FLASH: Duration = Duration::from_millis(100);
/// How long the click lasts.
pub const CLICK: Duration = Duration::from_millis(20);

/// GStreamer's names in [`PixelFormat::gstreamer`], V4L2's in [`PixelFormat::fourcc`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    Yuyv,
    Nv12,
    I420,
    Mjpeg,
    Rgb,
    Gray8,
}

impl PixelFormat {
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

#[derive(Debug, Clone)]
pub struct CameraSpec {
    /// The node's name and the card's name for V4L2.
    pub name: String,
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    pub format: PixelFormat,
    pub picture: Picture,
}

impl Default for CameraSpec {
    fn default() -> Self {
        let (name, picture) = ("testcam".to_owned(), Picture::Pattern("testsrc2"));
        Self { name, width: 640, height: 480, fps: 30, format: PixelFormat::Yuyv, picture }
    }
}

/// What the microphone hears.
#[derive(Debug, Clone, Copy)]
pub enum Sound {
    /// A sine of so many Hz at an eighth of full scale.
    Tone(u32),
    /// Silence, and 1 kHz for [`CLICK`] at 1 s, 3 s, 5 s, … after its start.
    Clicks,
}

#[derive(Debug, Clone, Copy)]
pub struct MicSpec {
    pub rate: u32,
    pub channels: u32,
    pub sound: Sound,
}

impl Default for MicSpec {
    fn default() -> Self {
        Self { rate: 48_000, channels: 2, sound: Sound::Tone(1000) }
    }
}

/// A camera that is plugged in until it is killed or dropped. One client may stream from it, once.
pub struct Camera<'a> {
    session: &'a Session,
    name: String,
    _processes: [Process; 2],
}

/// The default source, until it is killed or dropped.
pub struct Microphone<'a> {
    session: &'a Session,
    modules: Vec<String>,
    processes: Vec<Process>,
}

impl Session {
    /// # Panics
    /// When something that `scripts/setup.sh test` installs is missing, or does not start.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("a private folder");
        let bus = folder.path().join("bus");
        fs::write(folder.path().join("bus.conf"), BUS.replace("BUS", &bus.to_string_lossy())).expect("a file");
        let settings = folder.path().join("config/wireplumber/main.lua.d");
        fs::create_dir_all(&settings).expect("a folder");
        fs::write(settings.join("51-no-hardware.lua"), NO_HARDWARE).expect("a file");
        let mut session = Self { group: Group::new(), daemons: Vec::new(), folder };
        session.build_preload();
        let config = format!("--config-file={}", session.folder.path().join("bus.conf").display());
        session.daemon("dbus-daemon", &["--nofork", &config], |_| bus.exists());
        session.daemon("pipewire", &[], |session| session.succeeds("pw-cli", &["info", "0"]));
        session.daemon("pipewire-pulse", &[], |session| session.succeeds("pactl", &["info"]));
        // The session manager is at work once it has chosen a default sink.
        session.daemon("wireplumber", &[], |session| session.succeeds("wpctl", &["inspect", "@DEFAULT_AUDIO_SINK@"]));
        session
    }

    /// A command that sees this session's cameras and microphones, and none else.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.tool(program);
        let preload = self.folder.path().join("v4l2_preload.so");
        command.env("LD_PRELOAD", format!("{} /usr/$LIB/pipewire-0.3/v4l2/libpw-v4l2.so", preload.display()));
        command
    }

    /// Plugs in a camera.
    pub fn camera(&self, spec: &CameraSpec) -> Camera<'_> {
        let mut ffmpeg = self.tool("ffmpeg");
        ffmpeg.args(["-v", "error", "-nostdin"]);
        spec.ffmpeg_input(&mut ffmpeg);
        ffmpeg.args(["-f", "matroska", "pipe:1"]).stdout(Stdio::piped());
        let mut feeder = self.spawn(ffmpeg, &format!("{}-ffmpeg", spec.name));
        let mut gst = self.tool("gst-launch-1.0");
        gst.args(["-q", "fdsrc", "fd=0", "!", "matroskademux", "!"]).args(spec.pipeline());
        gst.stdin(feeder.child.stdout.take().expect("a pipe"));
        let mut sender = self.spawn(gst, &spec.name);
        self.until("the camera", &mut sender, || self.node(&spec.name).is_some());
        Camera { session: self, name: spec.name.clone(), _processes: [sender, feeder] }
    }

    /// Plugs in a microphone, which becomes the default source.
    pub fn microphone(&self, spec: &MicSpec) -> Microphone<'_> {
        let MicSpec { rate, channels, sound } = spec;
        let sink = format!("sink_name=room rate={rate} channels={channels}");
        let modules = vec![
            self.pactl(&format!("load-module module-null-sink {sink}")),
            self.pactl("load-module module-remap-source master=room.monitor source_name=mic"),
        ];
        self.pactl("set-default-source mic");
        let wave = match sound {
            Sound::Tone(hertz) => format!("sine=frequency={hertz}:sample_rate={rate}"),
            Sound::Clicks => clicks(*rate),
        };
        let mut ffmpeg = self.tool("ffmpeg");
        ffmpeg.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", &wave, "-f", "matroska", "pipe:1"]);
        let mut feeder = self.spawn(
            {
                ffmpeg.stdout(Stdio::piped());
                ffmpeg
            },
            "mic-ffmpeg",
        );
        let mut gst = self.tool("gst-launch-1.0");
        gst.args(["-q", "fdsrc", "fd=0", "!", "matroskademux", "!", "audioconvert", "!", "pulsesink", "device=room"]);
        gst.stdin(feeder.child.stdout.take().expect("a pipe"));
        let mut sender = self.spawn(gst, "mic");
        self.until("the sound", &mut sender, || self.prints("pactl", &["list", "sink-inputs"], "GStreamer"));
        Microphone { session: self, modules, processes: vec![sender, feeder] }
    }

    /// Runs pactl with these words, and gives what it prints.
    fn pactl(&self, words: &str) -> String {
        let output = self.tool("pactl").args(words.split(' ')).output().expect("pactl");
        assert!(output.status.success(), "pactl {words}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The id of the node with this name.
    fn node(&self, name: &str) -> Option<u64> {
        let dump = self.tool("pw-dump").output().expect("pw-dump");
        let objects: Vec<Value> = serde_json::from_slice(&dump.stdout).unwrap_or_default();
        let node = objects.iter().find(|object| object["info"]["props"]["node.name"] == name)?;
        node["id"].as_u64()
    }

    fn build_preload(&self) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/v4l2_preload.c");
        let mut command = Command::new("cc");
        command.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]);
        command.arg(self.folder.path().join("v4l2_preload.so")).arg(source).args(["-ldl", "-lpthread"]);
        let output = command.output().unwrap_or_else(|error| panic!("cc: {error}; {REMEDY}"));
        assert!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn daemon(&mut self, name: &str, args: &[&str], ready: impl Fn(&Self) -> bool) {
        let mut command = self.tool(name);
        command.args(args);
        let mut process = self.spawn(command, name);
        self.until(name, &mut process, || ready(self));
        self.daemons.push(process);
    }

    /// A command with this session's environment, which sees no camera.
    fn tool(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let folder = self.folder.path();
        for name in ["DISPLAY", "PIPEWIRE_REMOTE", "PULSE_SERVER", "PULSE_SINK", "PULSE_SOURCE"] {
            command.env_remove(name);
        }
        command.env("XDG_RUNTIME_DIR", folder);
        command.env("XDG_CONFIG_HOME", folder.join("config")).env("XDG_STATE_HOME", folder.join("state"));
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", folder.join("bus").display()));
        command
    }

    fn succeeds(&self, program: &str, args: &[&str]) -> bool {
        let output = self.tool(program).args(args).output();
        output.unwrap_or_else(|error| panic!("{program}: {error}; {REMEDY}")).status.success()
    }

    fn prints(&self, program: &str, args: &[&str], word: &str) -> bool {
        let output = self.tool(program).args(args).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}; {REMEDY}"));
        String::from_utf8_lossy(&output.stdout).contains(word)
    }

    fn spawn(&self, mut command: Command, name: &str) -> Process {
        let log = self.folder.path().join(format!("{name}.log"));
        command.stderr(File::create(&log).expect("a log")).process_group(self.group.id());
        let program = command.get_program().to_owned();
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}; {REMEDY}", program.display()));
        Process { child, log }
    }

    fn until(&self, what: &str, process: &mut Process, ready: impl Fn() -> bool) {
        let began = Instant::now();
        while !ready() {
            let ended = process.child.try_wait().expect("a child to wait for");
            let log = || fs::read_to_string(&process.log).unwrap_or_default();
            assert!(ended.is_none(), "{what} ended with {ended:?}: {}", log());
            assert!(began.elapsed() < LIMIT, "{what} is not there after {LIMIT:?}: {}", log());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.group.kill();
    }
}

impl CameraSpec {
    fn ffmpeg_input(&self, ffmpeg: &mut Command) {
        let Self { width, height, fps, .. } = self;
        let options = format!("size={width}x{height}:rate={fps}");
        match &self.picture {
            Picture::Pattern(name) => ffmpeg.args(["-f", "lavfi", "-i", &format!("{name}={options}")]),
            Picture::Color(color) => ffmpeg.args(["-f", "lavfi", "-i", &format!("color={color}:{options}")]),
            Picture::Flash => ffmpeg.args(["-f", "lavfi", "-i", &flashes(&options)]),
            Picture::Film(path) => ffmpeg.args(["-stream_loop", "-1", "-i"]).arg(path).args([
                "-an",
                "-vf",
                &format!("scale={width}:{height},fps={fps}"),
            ]),
        };
        match self.format {
            PixelFormat::Mjpeg => ffmpeg.args(["-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "3"]),
            _ => ffmpeg.args(["-pix_fmt", "yuv420p", "-c:v", "rawvideo"]),
        };
    }

    /// From the demuxer's picture to a camera: what comes late gives way, as in a real camera.
    fn pipeline(&self) -> Vec<String> {
        let Self { name, width, height, fps, .. } = self;
        let mut words = Vec::new();
        if self.format != PixelFormat::Mjpeg {
            words.extend(["videoconvert", "!"].map(str::to_owned));
        }
        words.push(format!("{},width={width},height={height},framerate={fps}/1", self.format.gstreamer()));
        words.extend(["!", "pipewiresink", "mode=provide", "max-lateness=50000000"].map(str::to_owned));
        let class = "media.class=Video/Source,media.role=Camera";
        words.push(format!("stream-properties=props,{class},node.name={name},node.description={name}"));
        words
    }
}

/// A lavfi source for [`Picture::Flash`].
fn flashes(options: &str) -> String {
    let white = format!("lt(mod(t+1.001,2),{})", FLASH.as_secs_f64());
    format!("color=black:{options},drawbox=color=white:t=fill:enable='{white}'")
}

/// A lavfi source for [`Sound::Clicks`].
fn clicks(rate: u32) -> String {
    format!("aevalsrc='0.8*sin(2000*PI*t)*lt(mod(t+1,2),{})':s={rate}", CLICK.as_secs_f64())
}

impl Camera<'_> {
    /// Unplugs it.
    pub fn kill(self) {
        let Self { session, name, _processes: processes } = self;
        drop(processes);
        let began = Instant::now();
        while session.node(&name).is_some() {
            assert!(began.elapsed() < LIMIT, "the camera {name} is still there");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Microphone<'_> {
    /// Unplugs it.
    pub fn kill(self) {}
}

impl Drop for Microphone<'_> {
    fn drop(&mut self) {
        self.processes.clear();
        for module in self.modules.drain(..).rev() {
            // Without expectations: a drop must not panic.
            drop(self.session.tool("pactl").args(["unload-module", &module]).output());
        }
    }
}

/// A child process that ends with this value.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A process group that ends with its leader's standard input, hence also when this process is killed.
struct Group {
    leader: Child,
    line: Option<ChildStdin>,
}

impl Group {
    fn new() -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "read -r line; kill -KILL 0"]).stdin(Stdio::piped()).process_group(0);
        let mut leader = command.spawn().expect("a shell");
        let line = leader.stdin.take();
        Self { leader, line }
    }

    fn id(&self) -> i32 {
        self.leader.id().try_into().expect("a process id")
    }

    fn kill(&mut self) {
        drop(self.line.take());
        drop(self.leader.wait());
    }
}
