//! The devices that the other tests use, judged by tools that share no code with us.
#![cfg(target_os = "linux")]

#[path = "support/devices.rs"]
mod devices;

use devices::{CameraSpec, Session};

#[test]
fn ffmpeg_reads_thirty_frames_of_the_camera() {
    let session = Session::start();
    let _camera = session.camera(&CameraSpec::default());
    let mut ffmpeg = session.command("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "v4l2", "-i", "/dev/video0", "-frames:v", "30", "-f", "framecrc", "-"]);
    let output = ffmpeg.output().expect("ffmpeg");
    let frames = String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with("0,")).count();
    assert_eq!(frames, 30, "{output:?}");
}
