//! Microphones, other inputs, and monitors of outputs, through cpal.
//!
//! ```text
//! device's callback ──try_send──▶ queue ──▶ first_heard ─ DriftCorrector ──▶ 20 ms at 48 kHz of the recording's clock
//! ```
//!
//! The callback never waits: a buffer that finds the queue full is dropped and counted, and the corrector inserts
//! silence there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, FromSample, InputCallbackInfo, SampleFormat, SizedSample, StreamConfig};
use parking_lot::{Mutex, MutexGuard};

use super::drift::{self, DriftCorrector, first_heard};
use super::{AudioInput, InputKind};
use crate::audio::{AudioBuffer, samples_in, span_of};
use crate::clock::Clock;
use crate::constraints::{AudioMode, Capabilities, InputDevice, Settings, Steps, TrackConstraints, select};
use crate::encode::mixer::mixed_unclipped;
use crate::error::{Error, ErrorKind, Result};
use crate::source::audio::{AudioInfo, AudioSource};
use crate::stream::{MediaStreamTrack, TrackDevice, TrackGenerator, TrackKind};
use crate::time::{Span, Timestamp};

/// How long a device may send nothing before it counts as gone.
const SILENT: Duration = Duration::from_secs(3);
/// How often a device that went away is searched for.
const RETRY: Duration = Duration::from_millis(300);
/// How long a device may take to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// How many buffers wait at most: some ten seconds, because a recording begins after its devices.
const QUEUE: usize = 1000;
/// How many buffers the time of the first one is computed from.
const FIRST: usize = 50;
/// How much sound must arrive before the first is given out, so that the time of the first buffer is computed from
/// several: if it is wrong by some milliseconds, the drift corrector needs seconds to correct it.
const LEAST: Span = Span::from_millis(100);
/// Samples of each channel in a buffer that is given out: 20 ms.
const BUFFER: usize = drift::RATE as usize / 50;
/// The remedy in errors where there is no sound server and no device.
const REMEDY: &str = "plug one in, or check the sound settings; `framereel devices` lists what there is";

/// The inputs of this machine, the default one first, with monitors of outputs where the system has them.
///
/// # Errors
/// When the system's sound devices cannot be listed.
pub fn inputs() -> Result<Vec<AudioInput>> {
    let host = cpal::default_host();
    let default = host.default_input_device().and_then(|device| device.id().ok());
    let devices = host.input_devices().map_err(|error| unavailable("the inputs could not be listed", error))?;
    let mut inputs: Vec<AudioInput> = devices.filter_map(|device| describe(&device)).collect();
    inputs.sort_by_key(|input| default.as_ref().is_none_or(|default| default.id() != input.device.device_id));
    Ok(inputs)
}

fn describe(device: &cpal::Device) -> Option<AudioInput> {
    let config = device.default_input_config().ok()?;
    let id = device.id().ok()?.id().to_owned();
    let kind = if id.ends_with(".monitor") { InputKind::Monitor } else { InputKind::Microphone };
    let label = device.description().map_or_else(|_| id.clone(), |found| found.name().to_owned());
    let (rate, channels) = (config.sample_rate(), usize::from(config.channels()));
    let mode = AudioMode::new("F32", Steps::one(drift::RATE), Steps::one(channels.min(2) as u32), 32);
    Some(AudioInput { device: InputDevice::audio(id, label, vec![mode]), kind, rate, channels })
}

/// The input of this name (its label, a part of it, or its id), or the default one where the name is empty.
fn find(name: &str, kind: InputKind) -> Result<cpal::Device> {
    let host = cpal::default_host();
    let what = match kind {
        InputKind::Microphone => "a microphone",
        InputKind::Monitor => "an output whose sound can be recorded",
    };
    if name.is_empty() && kind == InputKind::Microphone {
        let default = host.default_input_device().filter(|device| describe(device).is_some());
        return default.ok_or_else(|| Error::not_found(format!("expected {what} but found none; {REMEDY}")));
    }
    // Where the system has no monitors, the output itself can be captured.
    let output = host.default_output_device();
    let monitor = output.as_ref().and_then(|output| output.id().ok()).map(|id| format!("{}.monitor", id.id()));
    let devices = host.input_devices().map_err(|error| unavailable("the inputs could not be listed", error))?;
    let devices: Vec<_> = devices.filter_map(|device| describe(&device).map(|found| (device, found))).collect();
    let wanted = name.to_lowercase();
    let fits = |found: &AudioInput, exactly: bool| match (name.is_empty(), exactly) {
        (true, _) => Some(&found.device.device_id) == monitor.as_ref(),
        (false, true) => found.device.device_id == name || found.device.label == name,
        (false, false) => found.kind == kind && found.device.label.to_lowercase().contains(&wanted),
    };
    let position = [true, false].iter().find_map(|&exactly| devices.iter().position(|(_, found)| fits(found, exactly)));
    let known: Vec<_> = devices.iter().map(|(_, found)| format!("`{}`", found.device.label)).collect();
    match position {
        Some(index) => Ok(devices.into_iter().nth(index).expect("a position within").0),
        None if name.is_empty() && cfg!(not(target_os = "linux")) => {
            output.ok_or_else(|| Error::not_found(format!("expected {what} but found none; {REMEDY}")))
        }
        None if known.is_empty() => Err(Error::not_found(format!("expected {what} but found none; {REMEDY}"))),
        None => Err(Error::not_found(format!("expected {what} named `{name}` but found {}", known.join(", ")))),
    }
}

/// Opens an input by its name, or the default one where the name is empty. It captures from now on.
///
/// # Errors
/// `NotFoundError` when there is no input of that name; `NotAllowedError` when the system forbids it;
/// `NotReadableError` when it is busy or does not start.
pub fn open(name: &str, kind: InputKind) -> Result<Box<dyn AudioSource>> {
    let device = find(name, kind)?;
    let label = device.description().map_or_else(|_| name.to_owned(), |found| found.name().to_owned());
    let opened = Microphone::start(&device, &label, kind).map_err(|error| error.at(format!("microphone `{label}`")))?;
    Ok(Box::new(opened))
}

/// A track of the microphone that comes nearest to these constraints.
///
/// # Errors
/// Those of [`open`], and `OverconstrainedError` when no input meets the required constraints.
pub(super) fn start_track(wanted: &TrackConstraints) -> Result<MediaStreamTrack> {
    let microphones = inputs()?.into_iter().filter(|input| input.kind == InputKind::Microphone);
    let devices: Vec<InputDevice> = microphones.map(|input| input.device).collect();
    let selection = select(TrackKind::Audio, &devices, wanted)?;
    let device = devices[selection.device].clone();
    let mut source = open(&device.device_id, InputKind::Microphone)?;
    let label = device.label.clone();
    let state = Mutex::new((selection.settings, wanted.clone()));
    let device = Arc::new(MicrophoneDevice { device, state });
    let clock = Clock::real();
    let channels = source.info().channels;
    let generator = TrackGenerator::microphone(drift::RATE, channels, &clock, &label, device.clone());
    let track = generator.track().handle();
    let began = clock.now();
    source.begin_at(began, &clock);
    let run = move || {
        while generator.is_wanted() {
            let sound = match source.next_buffer() {
                Ok(Some(sound)) => device.apply_gain(sound),
                Ok(None) => return,
                Err(error) => return generator.fail(&error),
            };
            let mut sound = sound;
            sound.timestamp = began + (sound.timestamp - Timestamp::ZERO);
            // The thread ends when its track is not live any more.
            let _ = generator.write_audio(sound);
        }
    };
    std::thread::Builder::new().name("microphone track".into()).spawn(run).map_err(Error::no_thread)?;
    Ok(track)
}

/// The settings of a track's microphone.
#[derive(Debug)]
struct MicrophoneDevice {
    device: InputDevice,
    state: Mutex<(Settings, TrackConstraints)>,
}

impl MicrophoneDevice {
    fn state(&self) -> MutexGuard<'_, (Settings, TrackConstraints)> {
        self.state.lock()
    }

    /// Applies the gain.
    fn apply_gain(&self, sound: AudioBuffer) -> AudioBuffer {
        match self.state().0.gain {
            Some(gain) if gain != 0.0 => sound.scaled(10.0_f32.powf(gain as f32 / 20.0)),
            _ => sound,
        }
    }
}

impl TrackDevice for MicrophoneDevice {
    fn capabilities(&self) -> Capabilities {
        self.device.capabilities()
    }

    fn settings(&self) -> Settings {
        self.state().0.clone()
    }

    fn constraints(&self) -> TrackConstraints {
        self.state().1.clone()
    }

    fn apply(&self, constraints: &TrackConstraints) -> Result<()> {
        let selection = select(TrackKind::Audio, std::slice::from_ref(&self.device), constraints)?;
        *self.state() = (selection.settings, constraints.clone());
        Ok(())
    }
}

/// A message of a device's thread.
enum Heard {
    Sound { samples: Vec<f32>, at: Instant },
    Failed(cpal::Error),
}

/// An open input.
pub struct Microphone {
    info: AudioInfo,
    label: String,
    /// The rate and the channels of the device.
    config: StreamConfig,
    heard: Receiver<Heard>,
    /// How many samples found no room in the queue.
    lost: Arc<AtomicU64>,
    /// Buffers that came before any sound was given out, each with the count of samples before it.
    before: Vec<(u64, Timestamp, Vec<f32>)>,
    samples: u64,
    clock: Clock,
    corrector: Option<DriftCorrector>,
    /// Corrected samples of each channel.
    ready: Vec<Vec<f32>>,
    given: u64,
    /// Whether the device is opened again when it went away.
    reconnect: bool,
    kind: InputKind,
    // Dropping it stops the stream.
    _stream: cpal::Stream,
}

debug_fields!(Microphone { info, label });

impl Microphone {
    fn start(device: &cpal::Device, label: &str, kind: InputKind) -> Result<Self> {
        let refused = |error| unavailable("it could not be opened", error);
        let default = device.default_input_config().map_err(refused)?;
        let format = default.sample_format();
        let mut config = default.config();
        // Short buffers, where the system permits them.
        config.buffer_size = BufferSize::Fixed(config.sample_rate / 100);
        let (to, heard) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let build = |config: StreamConfig| build(device, config, format, Sender { to: to.clone(), lost: lost.clone() });
        let stream = build(config).or_else(|_| {
            config.buffer_size = BufferSize::Default;
            build(config)
        });
        let stream = stream.map_err(refused)?;
        stream.play().map_err(refused)?;
        let channels = usize::from(config.channels).min(2);
        let info = AudioInfo { kind: "microphone", rate: drift::RATE, channels, length: None, endless: true };
        Ok(Self {
            info,
            label: label.to_owned(),
            config,
            heard,
            lost,
            before: Vec::new(),
            samples: 0,
            clock: Clock::real(),
            corrector: None,
            ready: vec![Vec::new(); channels],
            given: 0,
            reconnect: false,
            kind,
            _stream: stream,
        })
    }

    /// Its name for people.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The length of the sound that was lost because the queue was full.
    pub fn lost(&self) -> Span {
        span_of(self.lost.load(Ordering::Acquire), self.config.sample_rate)
    }

    /// The next buffer of the device; where `reconnect` is set, waits for a device that went away.
    fn receive_again(&mut self) -> Result<(Vec<f32>, Timestamp)> {
        loop {
            match self.receive() {
                Err(_) if self.reconnect => self.reopen(),
                received => return received,
            }
        }
    }

    fn reopen(&mut self) {
        let again = || find(&self.label, self.kind).and_then(|device| Self::start(&device, &self.label, self.kind));
        let again = loop {
            match again() {
                Ok(again) => break again,
                Err(_) => std::thread::sleep(RETRY),
            }
        };
        if again.config.sample_rate != self.config.sample_rate {
            let begin = self.corrector.as_ref().map_or(Timestamp::ZERO, DriftCorrector::end);
            let rebased = DriftCorrector::new(again.config.sample_rate, self.info.channels, begin);
            self.corrector = rebased.ok();
        }
        (self.config, self.heard, self.lost, self._stream) = (again.config, again.heard, again.lost, again._stream);
    }

    /// The next buffer of the device, interleaved, and the time at which it was heard.
    fn receive(&mut self) -> Result<(Vec<f32>, Timestamp)> {
        loop {
            match self.heard.recv_timeout(SILENT) {
                Ok(Heard::Sound { samples, at }) => return Ok((samples, self.time_of(at))),
                // The stream goes on; the corrector notices lost sound.
                Ok(Heard::Failed(error)) if is_harmless(error.kind()) => {}
                Ok(Heard::Failed(error)) => return Err(self.gone(&error.to_string())),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(self.gone(&format!("it brought nothing for {} s", SILENT.as_secs())));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.gone("its thread ended")),
            }
        }
    }

    fn time_of(&self, at: Instant) -> Timestamp {
        self.clock.now() - Span::from(at.elapsed())
    }

    fn gone(&self, why: &str) -> Error {
        let after = Span::from_nanos(span_of(self.given, drift::RATE).as_nanos());
        Error::not_readable(format!("microphone `{}` went away after {after}: {why}", self.label))
    }

    /// The device's samples as planes of the output's channels.
    fn planes(&self, interleaved: &[f32]) -> Result<Vec<Vec<f32>>> {
        let channels = usize::from(self.config.channels);
        let planes = (0..channels).map(|channel| interleaved.iter().skip(channel).step_by(channels).copied().collect());
        // A device with more than 8 channels is an audio interface: its first two channels are taken.
        let taken = if channels > 8 { 2 } else { channels };
        let sound = AudioBuffer::new(self.config.sample_rate, Timestamp::ZERO, planes.take(taken).collect())?;
        Ok(mixed_unclipped(&sound, 0..sound.samples(), self.info.channels))
    }

    /// Keeps a buffer until the time of the first one is known.
    fn keep(&mut self, samples: Vec<f32>, heard: Timestamp) {
        let count = samples.len() / usize::from(self.config.channels);
        self.before.push((self.samples, heard, samples));
        self.samples += count as u64;
    }

    /// Resamples a buffer into the output.
    fn correct(&mut self, heard: Timestamp, samples: &[f32]) -> Result<()> {
        let planes = self.planes(samples)?;
        let corrector = match &mut self.corrector {
            Some(corrector) => corrector,
            None => self.corrector.insert(DriftCorrector::new(self.config.sample_rate, self.info.channels, heard)?),
        };
        corrector.feed(&planes, heard, &mut self.ready)
    }
}

impl AudioSource for Microphone {
    fn info(&self) -> &AudioInfo {
        &self.info
    }

    fn is_live(&self) -> bool {
        true
    }

    fn reconnect(&mut self) {
        self.reconnect = true;
    }

    fn begin_at(&mut self, time: Timestamp, clock: &Clock) {
        let shift = clock.shift_to(&self.clock).unwrap_or(Span::ZERO);
        while let Ok(Heard::Sound { samples, at }) = self.heard.try_recv() {
            let heard = self.time_of(at);
            self.keep(samples, heard);
        }
        self.corrector = DriftCorrector::new(self.config.sample_rate, self.info.channels, time + shift).ok();
    }

    fn next_buffer(&mut self) -> Result<Option<AudioBuffer>> {
        while self.given == 0 && self.samples < samples_in(LEAST, self.config.sample_rate) {
            let (samples, heard) = self.receive_again()?;
            self.keep(samples, heard);
        }
        if !self.before.is_empty() {
            let rate = self.config.sample_rate;
            let before = std::mem::take(&mut self.before);
            let latest = before.len().saturating_sub(FIRST);
            let times: Vec<_> = before[latest..].iter().map(|&(samples, heard, _)| (samples, heard)).collect();
            let first = first_heard(&times, rate).unwrap_or_default();
            for (index, _, samples) in before {
                self.correct(first + span_of(index, rate), &samples)?;
            }
        }
        while self.ready[0].len() < BUFFER {
            let (samples, heard) = self.receive_again()?;
            self.correct(heard, &samples)?;
        }
        let planes = self.ready.iter_mut().map(|ready| ready.drain(..BUFFER).collect()).collect();
        let timestamp = Timestamp::ZERO + span_of(self.given, drift::RATE);
        self.given += BUFFER as u64;
        AudioBuffer::new(drift::RATE, timestamp, planes).map(Some)
    }
}

/// Sends the buffers of a device's callback, without waiting.
#[derive(Clone)]
struct Sender {
    to: SyncSender<Heard>,
    lost: Arc<AtomicU64>,
}

impl Sender {
    fn send(&self, samples: Vec<f32>, channels: u16, info: &InputCallbackInfo) {
        let times = info.timestamp();
        let age = times.callback.checked_duration_since(times.capture).unwrap_or_default();
        let now = Instant::now();
        let count = samples.len() / usize::from(channels.max(1));
        let at = now.checked_sub(age).unwrap_or(now);
        if let Err(TrySendError::Full(_)) = self.to.try_send(Heard::Sound { samples, at }) {
            self.lost.fetch_add(count as u64, Ordering::AcqRel);
        }
    }
}

fn build(
    device: &cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
    sender: Sender,
) -> Result<cpal::Stream, cpal::Error> {
    match format {
        SampleFormat::I8 => build_as::<i8>(device, config, sender),
        SampleFormat::I16 => build_as::<i16>(device, config, sender),
        SampleFormat::I24 => build_as::<cpal::I24>(device, config, sender),
        SampleFormat::I32 => build_as::<i32>(device, config, sender),
        SampleFormat::U8 => build_as::<u8>(device, config, sender),
        SampleFormat::U16 => build_as::<u16>(device, config, sender),
        SampleFormat::F64 => build_as::<f64>(device, config, sender),
        _ => build_as::<f32>(device, config, sender),
    }
}

fn build_as<T>(device: &cpal::Device, config: StreamConfig, sender: Sender) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let (channels, failed) = (config.channels, sender.clone());
    let sound = move |samples: &[T], info: &InputCallbackInfo| {
        let samples = samples.iter().map(|&sample| <f32 as FromSample<T>>::from_sample_(sample)).collect();
        sender.send(samples, channels, info);
    };
    let error = move |error| drop(failed.to.try_send(Heard::Failed(error)));
    device.build_input_stream(config, sound, error, Some(OPEN_TIMEOUT))
}

/// Whether a stream goes on after an error of this kind.
fn is_harmless(kind: cpal::ErrorKind) -> bool {
    matches!(kind, cpal::ErrorKind::Xrun | cpal::ErrorKind::DeviceChanged | cpal::ErrorKind::RealtimeDenied)
}

/// The error of a sound system or a device that gives no sound.
fn unavailable(what: &str, error: cpal::Error) -> Error {
    use cpal::ErrorKind as Cpal;
    let (kind, remedy) = match error.kind() {
        Cpal::PermissionDenied => (
            ErrorKind::NotAllowed,
            "; allow it in the system's privacy settings (Linux: join the group `audio` with `sudo usermod -aG audio $USER`)",
        ),
        Cpal::DeviceBusy => (ErrorKind::NotReadable, "; close the program that uses it"),
        Cpal::DeviceNotAvailable | Cpal::HostUnavailable => (ErrorKind::NotFound, "; check the sound settings"),
        _ => (ErrorKind::NotReadable, ""),
    };
    Error::new(kind, format!("{what}{remedy}")).with_cause(error)
}
