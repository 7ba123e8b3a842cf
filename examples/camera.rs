//! Records five seconds of your camera, as a web page does: `camera [FILE.webm]`.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use framereel::{Constraints, Event, FileSink, Gpu, MediaDevices, MediaRecorder, MediaRecorderOptions};

fn main() -> ExitCode {
    let output = std::env::args().nth(1).unwrap_or("camera.webm".into());
    match record(&output) {
        Ok(()) => ExitCode::SUCCESS,
        // Where there is no camera: "expected a camera but found none; plug one in …"
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn record(output: &str) -> framereel::Result<()> {
    let stream = MediaDevices::new(&Gpu::new()?).get_user_media(&Constraints::video())?;
    for track in stream.tracks() {
        println!("{}: {:?}", track.label(), track.get_settings());
    }
    let recorder = MediaRecorder::new(&stream, MediaRecorderOptions::default())?;
    recorder.start_to(FileSink::create(output)?)?;
    thread::sleep(Duration::from_secs(5));
    recorder.stop();
    for event in recorder.events() {
        if let Event::Error(error) = event {
            return Err(error);
        }
    }
    let report = recorder.report();
    println!("{output}: {} frames, {:.2} s", report.frames_encoded, report.duration_s);
    Ok(())
}
