//! Cameras and microphones without hardware, for the program as a child process: a private PipeWire (0.3.65, Debian
//! 12) whose cameras the program sees as `/dev/video0`, `/dev/video1`, … and whose microphone is PulseAudio's default.
//!
//! All processes, including programs of [`Session::command`], are in one process group, which ends with the
//! [`Session`], and also when the test's process is killed. Sessions are independent of each other and of this
//! machine's devices.
//!
//! **What the v4l crate sees** (pw-v4l2 with `v4l2_preload.c` in front; measured at 640×480 and 1280×720):
//! - the cameras in a list of `/dev`, and by `open`, which takes 2 to 10 ms; neither in `stat` nor in `/sys`. Several
//!   at once. A number belongs to a camera for as long as the program lives; a new one gets the first free number;
//! - VIDIOC_QUERYCAP: driver `PipeWire`, card [`CameraSpec::name`], bus `platform:PipeWire-<node's id>`;
//! - one pixel format with one size and one interval, whatever is asked for: VIDIOC_S_FMT and S_PARM answer with
//!   those. All of [`PixelFormat`] work. VIDIOC_REQBUFS wants a VIDIOC_G_FMT or S_FMT before it;
//! - no controls (VIDIOC_QUERY_EXT_CTRL: ENOTTY), no inputs but the first, no reads, no user pointers;
//! - 30.00 frames a second, 90 % of them 32 to 35 ms after the last, the first after 1 to 300 ms;
//! - timestamps by CLOCK_MONOTONIC of the moment of VIDIOC_DQBUF or of the poll before it, not of capture: a program
//!   that reads late gets late timestamps. The sequence counts frames read: what was lost leaves no gap;
//! - bytesused as it should be; the mapped buffers may be longer;
//! - after [`Camera::kill`]: within 100 ms poll says POLLERR | POLLHUP, and everything fails with ENODEV;
//! - one streaming client for each camera: later ones get no more than 15 frames a second. Plug in a fresh camera.
//!
//! **What cpal sees**: the host PulseAudio with the source [`MicSpec::name`], which is the default, and a sink's
//! monitor. By cpal's default buffer size sound comes 1.8 s late, in pieces of 8192 samples; `BufferSize::Fixed(480)`
//! comes at once. Capture timestamps are right to 15 ms in both cases.
//!
//! **How well flash and click meet** ([`Session::flash_and_click`]): what V4L2's timestamps and the arrival of samples
//! (less their place in the piece) say differs by −8 to +15 ms, in twelve sessions on two cores with a load of 5 to 12;
//! within one session mostly by 5 ms. ffmpeg's own timestamps say −18 to +6 ms. Flashes are 2000 ± 3 ms apart, clicks
//! mostly ± 4 ms. The constant part of sound's delay is taken out there (`SOUND_DELAY`).
#![allow(dead_code, reason = "each test file uses its part")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

#[path = "devices/camera.rs"]
mod camera;
#[path = "devices/flash_and_click.rs"]
mod flash_and_click;
#[path = "devices/microphone.rs"]
mod microphone;
#[path = "devices/xserver.rs"]
mod xserver;

#[allow(unused_imports, reason = "each test file uses its part")]
pub use camera::{Camera, CameraSpec, FLASH, Picture, PixelFormat};
#[allow(unused_imports, reason = "each test file uses its part")]
pub use flash_and_click::FlashAndClick;
#[allow(unused_imports, reason = "each test file uses its part")]
pub use microphone::{CLICK, MicSpec, Microphone, Sound};
#[allow(unused_imports, reason = "each test file uses its part")]
pub use xserver::XServer;

/// How long a daemon or a device may take to appear.
const LIMIT: Duration = Duration::from_secs(20);
const REMEDY: &str = "install what the tests need: scripts/setup.sh test";

/// Tests of one file run in parallel; those in real time would all be late.
static TURN: Mutex<()> = Mutex::new(());

/// A bus of its own, which starts no services.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=BUS</listen>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"#;

/// Keeps the real devices of this machine out.
const NO_HARDWARE: &str =
    "alsa_monitor.enabled = false\nv4l2_monitor.enabled = false\nlibcamera_monitor.enabled = false\n";

/// A private D-Bus, PipeWire, WirePlumber and PulseAudio server.
pub struct Session {
    group: Group,
    daemons: Vec<Process>,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Session {
    /// Waits until no other test of this process has a session, hence at most one for each test.
    ///
    /// # Panics
    /// When something that `scripts/setup.sh test` installs is missing, or does not start.
    pub fn start() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("a private folder");
        let bus = folder.path().join("bus");
        fs::write(folder.path().join("bus.conf"), BUS.replace("BUS", &bus.to_string_lossy())).expect("a file");
        let settings = folder.path().join("config/wireplumber/main.lua.d");
        fs::create_dir_all(&settings).expect("a folder");
        fs::write(settings.join("51-no-hardware.lua"), NO_HARDWARE).expect("a file");
        // pactl and pipewire-pulse make this folder too; the second one to do so fails.
        let pulse = folder.path().join("pulse");
        fs::create_dir(&pulse).expect("a folder");
        fs::set_permissions(&pulse, fs::Permissions::from_mode(0o700)).expect("a private folder");
        // PipeWire expects a cookie of this length, whatever is in it. Otherwise it is that of the tests' user, if any.
        fs::write(folder.path().join("cookie"), [0; 256]).expect("a file");
        let mut session = Self { group: Group::new(), daemons: Vec::new(), folder, _turn: turn };
        session.build("v4l2_preload");
        session.build("camera_preload");
        let config = format!("--config-file={}", session.folder.path().join("bus.conf").display());
        session.daemon("dbus-daemon", &["--nofork", &config], |_| bus.exists());
        session.daemon("pipewire", &[], |session| session.succeeds("pw-cli", &["info", "0"]));
        session.daemon("pipewire-pulse", &[], |session| session.succeeds("pactl", &["info"]));
        // The session manager is ready once it has chosen a default sink.
        session.daemon("wireplumber", &[], |session| session.succeeds("wpctl", &["inspect", "@DEFAULT_AUDIO_SINK@"]));
        session.set_quantum(1024);
        session
    }

    /// A command that sees only this session's cameras and microphones.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.tool(program);
        let preload = self.preload("v4l2_preload");
        command.process_group(self.group.id());
        command.env("LD_PRELOAD", format!("{} /usr/$LIB/pipewire-0.3/v4l2/libpw-v4l2.so", preload.display()));
        command
    }

    /// The number of samples (at 48 kHz) that PipeWire processes at once. It is fixed, because otherwise it changes
    /// when programs come and go, and the delay of sound with it. On a busy machine 1024 give sound without gaps, and
    /// 256 sound at the right time.
    fn set_quantum(&self, samples: u32) {
        let settings = ["-n", "settings", "0", "clock.force-quantum", &samples.to_string()];
        assert!(self.succeeds("pw-metadata", &settings), "pw-metadata {settings:?}");
    }

    /// Runs pactl with these arguments, and returns its output.
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

    /// The path of the built C library of this name.
    fn preload(&self, name: &str) -> PathBuf {
        self.folder.path().join(name).with_extension("so")
    }

    fn build(&self, name: &str) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(name).with_extension("c");
        let mut command = Command::new("cc");
        command.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-o"]);
        command.arg(self.preload(name)).arg(source).args(["-ldl", "-lpthread"]);
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
        command.env("XDG_RUNTIME_DIR", folder).env("PULSE_COOKIE", folder.join("cookie"));
        command.env("XDG_CONFIG_HOME", folder.join("config")).env("XDG_STATE_HOME", folder.join("state"));
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", folder.join("bus").display()));
        command
    }

    fn succeeds(&self, program: &str, args: &[&str]) -> bool {
        let output = self.tool(program).args(args).output();
        output.unwrap_or_else(|error| panic!("{program}: {error}; {REMEDY}")).status.success()
    }

    /// Starts ffmpeg, with these inputs and codecs, and GStreamer behind it, with this pipeline for the output of
    /// `demux`.
    fn play(&self, name: &str, ffmpeg_args: &[String], pipeline: &str) -> Player {
        let mut ffmpeg = self.tool("ffmpeg");
        ffmpeg.args(["-v", "error", "-nostdin"]).args(ffmpeg_args);
        ffmpeg.args(["-f", "matroska", "pipe:1"]).stdout(Stdio::piped());
        let mut feeder = self.spawn(ffmpeg, &format!("{name}-ffmpeg"));
        let mut gst = self.tool("gst-launch-1.0");
        gst.env("LD_PRELOAD", self.preload("camera_preload"));
        gst.args(["-q", "fdsrc", "fd=0", "!", "matroskademux", "name=demux"]).args(pipeline.split_whitespace());
        gst.stdin(feeder.child.stdout.take().expect("a pipe"));
        Player { sender: self.spawn(gst, name), feeder }
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

/// The process that sends frames and sound to devices.
struct Player {
    sender: Process,
    feeder: Process,
}

/// A child process that is killed when this value is dropped.
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

/// A process group that ends when its leader's standard input closes, hence also when this process is killed.
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
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(self.line.take());
        drop(self.leader.wait());
    }
}
