//! Plays a film in real time, with a filter, and records its video and sound: `play [FILM] [FILE.webm]`.
//!
//! As in the browser: `video.play()`, `video.captureStream()`, `new MediaRecorder(stream)`.

use framereel::source::player::{Player, PlayerEvent};
use framereel::{Event, FileSink, Gpu, MediaRecorder, MediaRecorderOptions, SourceSpec, Span};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let film: SourceSpec = arguments.next().unwrap_or("examples/clips/bunny.webm".into()).parse()?;
    let output = arguments.next().unwrap_or("played.webm".into());

    let player = Player::open(&Gpu::new()?, &film)?;
    player.set_filter(&"sepia(60%) vignette(0.5)".parse()?);
    let recorder = MediaRecorder::new(&player.capture_stream()?, MediaRecorderOptions::default())?;
    recorder.start_to(FileSink::create(&output)?)?;

    // Play the first second slowly, then play from the beginning to the end.
    let events = player.events();
    player.set_playback_rate(0.5)?;
    player.play();
    while player.current_time() < Span::from_secs(1) && !player.ended() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    player.set_playback_rate(1.0)?;
    player.seek(Span::ZERO);
    for event in events {
        match event {
            PlayerEvent::Error(error) => return Err(error.into()),
            PlayerEvent::Ended => break,
            _ => {}
        }
    }

    // The recorder ends with the film's tracks.
    for event in recorder.events() {
        if let Event::Error(error) = event {
            return Err(error.into());
        }
    }
    let report = recorder.report();
    println!("{output}: {} frames, {:.2} s", report.frames_encoded, report.duration_s);
    Ok(())
}
