//! A camera as a track: a thread draws its frames on a canvas, which captures them as every canvas does.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

use super::CameraSource;
use crate::canvas::Canvas;
use crate::clock::Clock;
use crate::constraints::{Capabilities, InputDevice, Settings, TrackConstraints, select};
use crate::error::{Error, Result};
use crate::frame::BitDepth;
use crate::gpu::Gpu;
use crate::source::Source;
use crate::stream::{MediaStream, MediaStreamTrack, TrackDevice, TrackGenerator, TrackKind};

/// A camera that sends no frame for this long is muted; after 3 s it is gone.
const MUTED_AFTER: Duration = Duration::from_millis(500);

/// The thread that feeds a camera's track.
pub struct CameraTrack {
    camera: Option<CameraSource>,
    canvas: Canvas,
    /// Kept so that the canvas captures before the caller holds the stream.
    device: Arc<CameraDevice>,
    requests: Receiver<Request>,
}

/// A request for other settings, and the channel of its answer.
type Request = (TrackConstraints, SyncSender<Result<()>>);

/// The camera's settings, shared between its track and its thread.
#[derive(Debug)]
struct CameraDevice {
    device: InputDevice,
    state: Mutex<DeviceState>,
    requests: SyncSender<Request>,
}

#[derive(Debug)]
struct DeviceState {
    settings: Settings,
    constraints: TrackConstraints,
}

impl CameraTrack {
    /// Opens the camera that comes nearest to these constraints; returns a stream with its track.
    ///
    /// # Errors
    /// Those of [`CameraSource::open_by_id`], and those of the GPU.
    pub fn start(gpu: &Gpu, wanted: &TrackConstraints) -> Result<MediaStream> {
        let camera = CameraSource::open_by_id(wanted)?;
        let size = camera.info().size;
        let (to, requests) = sync_channel(1);
        let state = DeviceState { settings: camera.settings().clone(), constraints: wanted.clone() };
        let device = Arc::new(CameraDevice { device: camera.device().clone(), state: Mutex::new(state), requests: to });
        let clock = Clock::real();
        let mut canvas = Canvas::new(gpu, size)?.with_clock(clock.clone());
        let (rate, label) = (camera.settings().frame_rate, camera.device().label.clone());
        let stream = canvas.capture_into(TrackGenerator::camera(size, &clock, rate, &label, device.clone()))?;
        let mut track = Self { camera: Some(camera), canvas, device, requests };
        track.warm_up(&stream.video_tracks()[0])?;
        thread::Builder::new().name("camera track".into()).spawn(move || track.run()).map_err(Error::no_thread)?;
        Ok(stream)
    }

    /// Lets the GPU unpack the first frame, which is not recorded: so shaders are compiled before a recording.
    fn warm_up(&mut self, track: &MediaStreamTrack) -> Result<()> {
        let first = self.camera.as_mut().map(|camera| camera.next_within(MUTED_AFTER)).transpose()?.flatten();
        // A camera that sends no frame at first is muted; its thread reports that.
        let Some(first) = first else { return Ok(()) };
        self.canvas.draw(first);
        self.canvas.warm_up(track, BitDepth::default())
    }

    /// Draws frames until the track is not held any more or the camera is gone.
    fn run(mut self) {
        while self.canvas.is_captured() {
            if let Err(error) = self.step() {
                self.canvas.fail(&error);
                return;
            }
        }
    }

    fn step(&mut self) -> Result<()> {
        match self.requests.try_recv() {
            Ok((wanted, answer)) => {
                // The caller may have gone.
                let _ = answer.send(self.set(&wanted));
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
        let camera = self.camera.as_mut().ok_or_else(|| Error::not_readable("the camera did not start again"))?;
        let Some(frame) = camera.next_within(MUTED_AFTER)? else {
            self.canvas.set_muted(true);
            return Ok(());
        };
        self.canvas.set_muted(false);
        let shift = camera.live_clock().and_then(|clock| clock.shift_to(self.canvas.clock())).unwrap_or_default();
        let time = frame.timestamp + shift;
        self.canvas.draw(frame);
        self.canvas.paint(time).map(drop)
    }

    /// Reopens the camera with other settings; with the old ones where that fails.
    fn set(&mut self, wanted: &TrackConstraints) -> Result<()> {
        let here = TrackConstraints { device_id: super::named(&self.device.device.device_id), ..wanted.clone() };
        let before = self.device.state.lock().constraints.clone();
        if let Some(camera) = self.camera.take() {
            camera.close();
        }
        let opened = CameraSource::open_by_id(&here).and_then(|camera| {
            if self.canvas.size() != camera.info().size {
                self.canvas.resize(camera.info().size)?;
            }
            Ok(camera)
        });
        match opened {
            Ok(camera) => {
                *self.device.state.lock() =
                    DeviceState { settings: camera.settings().clone(), constraints: wanted.clone() };
                self.camera = Some(camera);
                Ok(())
            }
            Err(error) => {
                let old = TrackConstraints { device_id: here.device_id, ..before };
                self.camera = Some(CameraSource::open_by_id(&old)?);
                Err(error)
            }
        }
    }
}

impl TrackDevice for CameraDevice {
    fn capabilities(&self) -> Capabilities {
        self.device.capabilities()
    }

    fn settings(&self) -> Settings {
        self.state.lock().settings.clone()
    }

    fn constraints(&self) -> TrackConstraints {
        self.state.lock().constraints.clone()
    }

    fn apply(&self, constraints: &TrackConstraints) -> Result<()> {
        /// A camera that sends no frames is noticed after 3 s.
        const TIMEOUT: Duration = Duration::from_secs(10);
        let selection = select(TrackKind::Video, std::slice::from_ref(&self.device), constraints)?;
        let present = self.settings();
        let mode = |settings: &Settings| (settings.width, settings.height, settings.format.clone());
        let same_rate = selection.settings.frame_rate == present.frame_rate;
        if mode(&selection.settings) == mode(&present) && same_rate {
            self.state.lock().constraints = constraints.clone();
            return Ok(());
        }
        let (answer, answered) = sync_channel(1);
        let gone = || Error::not_readable("expected a camera to set but it is gone");
        self.requests.send((constraints.clone(), answer)).map_err(|_| gone())?;
        match answered.recv_timeout(TIMEOUT) {
            Ok(set) => set,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}
