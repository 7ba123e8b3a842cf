//! A player of films and live sources: an `HTMLMediaElement` (HTML §4.8.11) without a window, whose frames and sound are
//! captured as a stream (Media Capture from DOM Elements §3).
//!
//! ```text
//!  thread "player pictures"  ──Frame──────▶ ┌────────────────────┐ draw, paint  ┌────────┐ video track ┐
//!  (decodes ahead)                          │ thread "player"    ├─────────────▶│ Canvas ├─────────────┤
//!  thread "player sound"     ──AudioBuffer─▶│ Playhead: what is  │              └────────┘             ├─▶ MediaStream
//!  (decodes ahead)                          │ due at this time?  ├──────────────────────── audio track ┘
//!                                           └────────────────────┘
//! ```
//!
//! It plays in real time. Frames and sound carry the times at which the playhead is at their positions, computed and
//! not measured, so they stay in sync however late the thread wakes up. Further rules:
//! - **Frames that come too late are skipped** and counted ([`Player::playback_quality`]); where reading cannot keep up
//!   at all, frames and sound wait for it together ([`PlayerEvent::Waiting`]).
//! - **While it is paused, the current frame is repeated**, so that a recorder that starts then gets it; sound is
//!   silent.
//! - **At another rate the sound is higher or lower** (`preservesPitch = false`). Where its samples a second would be
//!   outside [`AudioBuffer::RATES`](crate::audio::AudioBuffer::RATES), it is silent.
//! - **Tracks end when the film ends**, not when a loop starts it again. They stay in their streams. A stream that is
//!   captured after that has new tracks.
//! - **A seek opens the film again**, and so does each round of a loop; both take as long as opening.
//! - **A live source** (a camera, a screen) shows each frame at the time of its capture. It cannot seek; a pause stops
//!   the picture, and what comes meanwhile is not shown. Live sound goes on.
//! - **Filters that change over time** follow the film's position, not the clock.
//!
//! A source without frames, as a file of sound alone, cannot be played here.

mod live_sound;
mod playback;
mod playhead;
mod reader;
mod screen;

use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex, MutexGuard};
use playback::Playback;
use playhead::Playhead;
use reader::FilmReader;
use screen::Screen;

use super::audio::{AudioSpec, open_audio};
use super::{SourceOptions, SourceSpec};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::{Frame, Size};
use crate::gpu::Gpu;
use crate::stream::{Listener, Listeners, MediaStream};
use crate::time::{FrameRate, Span};

/// An event of a player.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlayerEvent {
    /// Playing: after [`Player::play`], and again after it waited.
    Playing,
    /// Paused, by [`Player::pause`] or because the film ended.
    Pause,
    /// Waiting for frames to be read.
    Waiting,
    /// The frame at the requested position is shown.
    Seeked,
    /// The film ended, and its tracks with it. Not sent where the film loops.
    Ended,
    /// The film could not be read further. Its tracks have ended; a seek tries again, and so does [`Player::play`].
    Error(Error),
    /// A microphone could not be read further. Its track has ended; the pictures go on.
    SoundError(Error),
}

/// Counts of frames (`getVideoPlaybackQuality()`, Media Playback Quality).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlaybackQuality {
    /// Frames that were due.
    pub total_frames: u64,
    /// Frames of these that came too late to be shown.
    pub dropped_frames: u64,
}

/// Options of a player.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PlayerOptions {
    /// How the film is opened. Its `start` is the position at which the player begins; its `size` is that of the frames,
    /// which a film is fitted into.
    pub source: SourceOptions,
    /// The sound.
    pub sound: PlayerSound,
}

setters! {
    PlayerOptions {
        with_source: source: SourceOptions,
        with_sound: sound: PlayerSound,
    }
}

/// The sound of a player.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlayerSound {
    /// That of the film, if it has any.
    #[default]
    Own,
    /// No sound.
    None,
    /// Another sound: a file, which is played from the film's position and no longer than the film, or a live one.
    /// Beside a live source, a file is played from the first [`Player::play`] on.
    Other(AudioSpec),
}

/// Plays a film, with its sound where it has any, in real time. It begins paused, and shows the first frame. When it is
/// dropped, it stops and its tracks end.
///
/// ```no_run
/// use framereel::gpu::Gpu;
/// use framereel::recorder::{FileSink, MediaRecorder, MediaRecorderOptions};
/// use framereel::source::player::{Player, PlayerEvent};
///
/// # fn main() -> framereel::Result<()> {
/// let Ok(film) = "bunny.mp4".parse();
/// let player = Player::open(&Gpu::new()?, &film)?;
/// let recorder = MediaRecorder::new(&player.capture_stream()?, MediaRecorderOptions::default())?;
/// recorder.start_to(FileSink::create_new("bunny.webm")?)?;
/// let events = player.events();
/// player.play();
/// for event in events {
///     match event {
///         PlayerEvent::Error(error) => return Err(error),
///         PlayerEvent::Ended => break,
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Player {
    shared: Arc<PlayerShared>,
    size: Size,
    rate: Option<FrameRate>,
    live: bool,
    thread: Option<JoinHandle<()>>,
}

/// The state that a player and its thread share.
#[derive(Debug)]
struct PlayerShared {
    state: Mutex<PlayerState>,
    changed: Condvar,
    screen: Mutex<Screen>,
    listeners: Listeners<PlayerEvent>,
    clock: Clock,
}

/// The requests to a player, and its state.
#[derive(Debug)]
struct PlayerState {
    playhead: Playhead,
    paused: bool,
    looping: bool,
    ended: bool,
    /// The position to seek to.
    seek: Option<Span>,
    /// Whether the frame at the current position is not shown yet.
    seeking: bool,
    /// Whether it could not be read further.
    failed: bool,
    duration: Option<Span>,
    quality: PlaybackQuality,
    /// Whether the player was dropped.
    stopped: bool,
}

impl Player {
    /// The range of playback rates.
    pub const RATES: std::ops::RangeInclusive<f64> = 0.25..=4.0;

    /// Opens a film, paused at its beginning.
    ///
    /// # Errors
    /// Those of [`open`](super::open) and of [`Source::sound`](super::Source::sound); a range error for frames larger
    /// than the adapter supports.
    pub fn open(gpu: &Gpu, film: &SourceSpec) -> Result<Self> {
        Self::open_with(gpu, film, PlayerOptions::default())
    }

    /// Opens a film or a live source, paused.
    ///
    /// # Errors
    /// Those of [`Player::open`] and of [`open_audio`].
    pub fn open_with(gpu: &Gpu, film: &SourceSpec, options: PlayerOptions) -> Result<Self> {
        let start = options.source.start.unwrap_or(Span::ZERO);
        let clock = Clock::real();
        let PlayerOptions { source, sound } = options;
        let other = match &sound {
            PlayerSound::Other(spec) => Some(open_audio(spec, None)?),
            PlayerSound::Own | PlayerSound::None => None,
        };
        let live_sound = other.filter(|sound| sound.is_live());
        // A live sound is opened once; the film's reader opens others at each position.
        let sound = if live_sound.is_some() { PlayerSound::None } else { sound };
        let film = PlayedFilm { spec: film.clone(), source, sound };
        let reader = FilmReader::begin(&film, start, &clock)?;
        let size = film.source.size.unwrap_or(reader.size);
        let live_format = live_sound.as_ref().map(|sound| (sound.info().rate, sound.info().channels));
        let sound_format = live_format.or(reader.sound_format);
        let (rate, live) = (reader.rate, reader.is_live());
        let screen = Screen::new(gpu, &reader, size, sound_format, &clock)?;
        let mut playhead = Playhead::new();
        playhead.jump(start, clock.now());
        let state = PlayerState {
            playhead,
            paused: true,
            looping: false,
            ended: false,
            seek: None,
            seeking: false,
            failed: false,
            duration: reader.duration,
            quality: PlaybackQuality::default(),
            stopped: false,
        };
        let shared = Arc::new(PlayerShared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            screen: Mutex::new(screen),
            listeners: Listeners::new(),
            clock,
        });
        if let Some(sound) = live_sound {
            live_sound::begin(sound, &shared)?;
        }
        let playback = Playback::new(shared.clone(), film, reader);
        let thread = std::thread::Builder::new().name("player".into()).spawn(move || playback.run());
        Ok(Self { shared, size, rate, live, thread: Some(thread.map_err(Error::no_thread)?) })
    }

    /// Plays from the current position; from the beginning when the film has ended. After an error, opens the source
    /// again.
    pub fn play(&self) {
        let mut state = self.shared.lock();
        if state.ended || state.failed {
            let position = state.playhead.position(self.shared.clock.now());
            let position = if state.ended || self.live { Span::ZERO } else { position };
            state.go_to(position, &self.shared.clock);
        }
        state.paused = false;
        self.shared.changed.notify_all();
    }

    /// Pauses until [`Player::play`].
    pub fn pause(&self) {
        let mut state = self.shared.lock();
        if !state.paused {
            state.paused = true;
            state.playhead.set_moving(false, self.shared.clock.now());
            self.shared.listeners.tell(|| PlayerEvent::Pause);
        }
    }

    /// Whether it is paused.
    pub fn paused(&self) -> bool {
        self.shared.lock().paused
    }

    /// Seeks to this position, paused or playing; to the end if the position is beyond it. Without effect on a live
    /// source. [`PlayerEvent::Seeked`] is sent when the frame there is shown; a further seek before that replaces this
    /// one. Errors are sent as [`PlayerEvent::Error`].
    pub fn seek(&self, position: Span) {
        if self.live {
            return;
        }
        let mut state = self.shared.lock();
        let position = position.max(Span::ZERO);
        let position = state.duration.map_or(position, |duration| position.min(duration));
        state.go_to(position, &self.shared.clock);
        self.shared.changed.notify_all();
    }

    /// Whether it is seeking.
    pub fn seeking(&self) -> bool {
        self.shared.lock().seeking
    }

    /// The current position on the film's time line.
    pub fn current_time(&self) -> Span {
        self.shared.lock().playhead.position(self.shared.clock.now())
    }

    /// The film's length, where it is known: from its header, or once the film was played to its end.
    pub fn duration(&self) -> Option<Span> {
        self.shared.lock().duration
    }

    /// Sets whether the film starts again when it ends.
    pub fn set_loop(&self, looping: bool) {
        self.shared.lock().looping = looping;
    }

    /// Whether the film starts again when it ends.
    pub fn is_looping(&self) -> bool {
        self.shared.lock().looping
    }

    /// Sets the playback rate, from now on.
    ///
    /// # Errors
    /// A range error for a rate outside [`Player::RATES`].
    pub fn set_playback_rate(&self, rate: f64) -> Result<()> {
        if !Self::RATES.contains(&rate) {
            let (least, most) = Self::RATES.into_inner();
            return Err(Error::range(format!("expected a playback rate from {least} to {most} but found {rate}")));
        }
        self.shared.lock().playhead.set_rate(rate, self.shared.clock.now());
        self.shared.changed.notify_all();
        Ok(())
    }

    /// The playback rate.
    pub fn playback_rate(&self) -> f64 {
        self.shared.lock().playhead.rate()
    }

    /// Whether the film has ended.
    pub fn ended(&self) -> bool {
        self.shared.lock().ended
    }

    /// The size of its frames (`videoWidth`, `videoHeight`).
    pub fn size(&self) -> Size {
        self.size
    }

    /// The rate of its frames, where it has one.
    pub fn frame_rate(&self) -> Option<FrameRate> {
        self.rate
    }

    /// Whether its source is live, so that it cannot seek.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// The frame that is shown, as the film has it: not filtered, in the film's size and format. Its timestamp is its
    /// position. None before the first frame.
    pub fn current_frame(&self) -> Option<Arc<Frame>> {
        self.shared.screen().current_frame()
    }

    /// The chain that draws the frames of a source that is a shader ([`Source::drawn_by`](super::Source::drawn_by));
    /// empty for others.
    pub fn drawn_by(&self) -> FilterChain {
        self.shared.screen().drawn_by()
    }

    /// Replaces the chain that draws the frames of a source that is a shader.
    pub fn set_drawn_by(&self, chain: &FilterChain) {
        self.shared.screen().set_drawn_by(chain);
    }

    /// Applies this chain to the frames from now on, also to the one that is shown.
    pub fn set_filter(&self, filter: &FilterChain) {
        self.shared.screen().set_filter(filter);
    }

    /// The errors of filter chains that the GPU refused, each reported once; the previous chain stays in use.
    pub fn refused(&self) -> Vec<Error> {
        self.shared.screen().refused()
    }

    /// How many frames were due, and how many of them came too late.
    pub fn playback_quality(&self) -> PlaybackQuality {
        self.shared.lock().quality
    }

    /// The player's events from now on. Each listener gets all of them; it ends when the player is dropped.
    pub fn events(&self) -> Listener<PlayerEvent> {
        self.shared.listeners.listen(false)
    }

    /// A stream of its frames, and of its sound where it has any (`captureStream()`). Each stream has tracks of its
    /// own, which can be stopped separately.
    ///
    /// # Errors
    /// The GPU's error when it failed earlier.
    pub fn capture_stream(&self) -> Result<MediaStream> {
        self.shared.screen().capture_stream()
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported on standard error.
            let _ = thread.join();
        }
        // Dropping ends the tracks; nothing else can fail: the size has been accepted.
        let _ = self.shared.screen().end_tracks();
        self.shared.listeners.close();
    }
}

/// What is played, and how it is opened.
#[derive(Debug)]
struct PlayedFilm {
    spec: SourceSpec,
    source: SourceOptions,
    /// Its own sound, none, or that of a file.
    sound: PlayerSound,
}

impl PlayerShared {
    fn lock(&self) -> MutexGuard<'_, PlayerState> {
        self.state.lock()
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock()
    }
}

impl PlayerState {
    /// The playhead stands at this position until its frame is shown.
    fn go_to(&mut self, position: Span, clock: &Clock) {
        let now = clock.now();
        self.playhead.set_moving(false, now);
        self.playhead.jump(position, now);
        (self.seek, self.seeking, self.ended, self.failed) = (Some(position), true, false, false);
    }
}
