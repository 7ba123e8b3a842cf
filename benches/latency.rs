//! Measures latency: the time from a camera's frame to the chunk that contains it, at 1280×720 and 30 frames per
//! second, through getUserMedia and a MediaRecorder with slices of one frame.
//!
//! The camera is a virtual one (see `tests/support/devices.rs`), so this runs on Linux with PipeWire: `cargo bench
//! --bench latency`. The program calls itself, because a virtual camera is seen by child processes only.
//!
//! ffprobe gives the position of each frame in the file. A frame's latency is the time of the stream's clock at which
//! the chunk with its last byte arrived, minus its timestamp.

#[cfg(target_os = "linux")]
#[path = "../tests/support/devices.rs"]
mod devices;

#[cfg(target_os = "linux")]
fn main() {
    const CHILD: &str = "FRAMEREEL_LATENCY_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return live::measure();
    }
    let session = devices::Session::start();
    let spec = devices::CameraSpec { width: 1280, height: 720, ..devices::CameraSpec::default() };
    let _camera = session.camera(&spec);
    let program = std::env::current_exe().expect("this program");
    let status = session.command(program).env(CHILD, "1").status().expect("a child");
    assert!(status.success(), "{status}");
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the virtual camera needs Linux");
}

#[cfg(target_os = "linux")]
mod live {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use framereel::constraints::{Constraints, TrackConstraints};
    use framereel::devices::MediaDevices;
    use framereel::gpu::Gpu;
    use framereel::recorder::{Event, MediaRecorder, MediaRecorderOptions};
    use framereel::time::{Span, Timestamp};

    const LENGTH: Duration = Duration::from_secs(20);
    /// Shaders are compiled in the first second.
    const WARM_UP: f64 = 2.0;

    pub fn measure() {
        let gpu = Gpu::new().expect("a GPU");
        let video = TrackConstraints::default().with_width(1280.into()).with_height(720.into());
        let constraints = Constraints { video: Some(video), audio: None };
        let stream = MediaDevices::new(&gpu).get_user_media(&constraints).expect("a camera");
        let clock = stream.clock().expect("a track");
        let recorder = MediaRecorder::new(&stream, MediaRecorderOptions::default()).expect("a recorder");
        recorder.start(Span::from_millis(1)).expect("a start");
        let begun = Instant::now();
        // The arrival time of each chunk, and the file's length after it.
        let mut arrivals: Vec<(u64, Timestamp)> = Vec::new();
        let mut file = Vec::new();
        for event in recorder.events() {
            match event {
                Event::DataAvailable(chunk) => {
                    file.extend_from_slice(&chunk.data.bytes().expect("bytes"));
                    arrivals.push((file.len() as u64, clock.now()));
                }
                Event::Error(error) => panic!("{error}"),
                _ => {}
            }
            if begun.elapsed() > LENGTH {
                recorder.stop();
            }
        }
        // Time 0 of the recording is the first frame's time.
        let origin = recorder.began().expect("a recording");
        let mut ages: Vec<f64> = pictures(&file)
            .into_iter()
            .filter(|(time, _)| *time > WARM_UP)
            .filter_map(|(time, end)| {
                let (_, arrived) = arrivals.iter().find(|(length, _)| *length >= end)?;
                let shown = origin + Span::from_nanos((time * 1e9) as i64);
                Some((*arrived - shown).as_secs_f64() * 1e3)
            })
            .collect();
        ages.sort_by(f64::total_cmp);
        let at = |part: f64| ages[((ages.len() - 1) as f64 * part).round() as usize];
        println!(
            "glass to chunk, 1280x720 at 30 fps on {}: {} frames, median {:.1} ms, 99th percentile {:.1} ms, most {:.1} ms",
            gpu.name(),
            ages.len(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
        println!("dropped: {:?}", recorder.report().dropped);
    }

    /// Each frame's time in seconds, and the file position of its last byte.
    fn pictures(file: &[u8]) -> Vec<(f64, u64)> {
        let path = std::env::temp_dir().join(format!("framereel-latency-{}.webm", std::process::id()));
        std::fs::write(&path, file).expect("a file");
        let mut command = Command::new("ffprobe");
        command.args(["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time,size,pos"]);
        let output = command.args(["-of", "csv=p=0"]).arg(&path).stderr(Stdio::inherit()).output().expect("ffprobe");
        std::fs::remove_file(&path).expect("a file");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let picture = |line: &str| {
            let mut fields = line.split(',');
            let time = fields.next()?.parse().ok()?;
            let [size, pos] = [fields.next()?, fields.next()?].map(|field| field.parse::<u64>().ok());
            Some((time, pos? + size?))
        };
        text.lines().filter_map(picture).collect()
    }
}
