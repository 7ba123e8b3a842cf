//! A film that plays: an `HTMLMediaElement` (HTML §4.8.11) without a window, whose pictures and sound are captured as a
//! stream (Media Capture from DOM Elements §3).
//!
//! ```text
//!  thread "player pictures"  ──Frame──────▶ ┌────────────────────┐ draw, paint  ┌────────┐ video track ┐
//!  (decodes ahead)                          │ thread "player"    ├─────────────▶│ Canvas ├─────────────┤
//!  thread "player sound"     ──AudioBuffer─▶│ Playhead: what is  │              └────────┘             ├─▶ MediaStream
//!  (decodes ahead)                          │ due at this time?  ├──────────────────────── audio track ┘
//!                                           └────────────────────┘
//! ```
//!
//! It plays in real time. Pictures and sound carry the times at which the playhead is at their positions, computed and
//! not measured, so they stay together however late the thread wakes up. What it promises beyond that:
//! - **Pictures that come too late are passed over** and counted ([`Player::playback_quality`]); where reading cannot
//!   keep up at all, pictures and sound wait for it together ([`PlayerEvent::Waiting`]).
//! - **Paused, the picture stands still** and is there for whoever begins to record; sound is silent.
//! - **At another rate the sound is higher or lower**, as a tape's (`preservesPitch = false`). Where its samples a
//!   second come to lie outside [`AudioBuffer::RATES`](crate::audio::AudioBuffer::RATES) it is silent.
//! - **Tracks end when the film ends**, not when it begins anew in a loop. They stay in their streams. A stream that is
//!   captured after that has new tracks.
//! - **A seek opens the film again**, and so does each round of a loop: that takes as long as opening does.
//!
//! What has no pictures, as a file of sound alone, does not play here.

mod playback;
mod playhead;
mod reader;
mod screen;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use playback::Playback;
use playhead::Playhead;
use reader::FilmReader;
use screen::Screen;

use super::SourceSpec;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::filter::FilterChain;
use crate::frame::Size;
use crate::gpu::Gpu;
use crate::stream::{Listener, Listeners, MediaStream};
use crate::time::Span;

/// What happens to a player.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlayerEvent {
    /// It plays: after [`Player::play`], and again after it waited.
    Playing,
    /// It was paused, by [`Player::pause`] or because the film ended.
    Pause,
    /// It waits for pictures to be read.
    Waiting,
    /// The picture at the position that was asked for is shown.
    Seeked,
    /// The film ended, and its tracks with it. Not told where it loops.
    Ended,
    /// The film could not be read any further. Its tracks have ended; a seek tries again.
    Error(Error),
}

/// How many pictures there were (`getVideoPlaybackQuality()`, Media Playback Quality).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlaybackQuality {
    /// Pictures that were due.
    pub total_frames: u64,
    /// Those of them that came too late to be shown.
    pub dropped_frames: u64,
}

/// A film, with its sound where it has any, that plays in real time. It begins paused, and shows its first picture.
/// When it is dropped, it stops and its tracks end.
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
    thread: Option<JoinHandle<()>>,
}

/// What a player and its thread share.
#[derive(Debug)]
struct PlayerShared {
    state: Mutex<PlayerState>,
    changed: Condvar,
    screen: Mutex<Screen>,
    listeners: Listeners<PlayerEvent>,
    clock: Clock,
}

/// What is asked of a player, and how it stands.
#[derive(Debug)]
struct PlayerState {
    playhead: Playhead,
    paused: bool,
    looping: bool,
    ended: bool,
    /// Where to go next.
    seek: Option<Span>,
    /// Whether the picture at the present position is not shown yet.
    seeking: bool,
    duration: Option<Span>,
    quality: PlaybackQuality,
    /// Whether the player is gone.
    stopped: bool,
}

impl Player {
    /// The playback rates taken.
    pub const RATES: std::ops::RangeInclusive<f64> = 0.25..=4.0;

    /// Opens a film, paused at its beginning.
    ///
    /// # Errors
    /// Those of [`open`](super::open) and of [`Source::sound`](super::Source::sound); a range error for pictures larger
    /// than the adapter takes.
    pub fn open(gpu: &Gpu, film: &SourceSpec) -> Result<Self> {
        let reader = FilmReader::begin(film, Span::ZERO)?;
        let (size, clock) = (reader.size, Clock::real());
        let screen = Screen::new(gpu, &reader, &clock)?;
        let state = PlayerState {
            playhead: Playhead::new(),
            paused: true,
            looping: false,
            ended: false,
            seek: None,
            seeking: false,
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
        let playback = Playback::new(shared.clone(), film.clone(), reader);
        let thread = std::thread::Builder::new().name("player".into()).spawn(move || playback.run());
        Ok(Self { shared, size, thread: Some(thread.map_err(Error::no_thread)?) })
    }

    /// Plays on from where it is; from the beginning when it has ended.
    pub fn play(&self) {
        let mut state = self.shared.lock();
        if state.ended {
            state.go_to(Span::ZERO, &self.shared.clock);
        }
        state.paused = false;
        self.shared.changed.notify_all();
    }

    /// Stands still until [`Player::play`].
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

    /// Goes to this position, paused or playing; beyond the end it goes to the end. [`PlayerEvent::Seeked`] tells when
    /// the picture there is shown; a seek that comes before takes this one's place. What goes wrong is told as
    /// [`PlayerEvent::Error`].
    pub fn seek(&self, position: Span) {
        let mut state = self.shared.lock();
        let position = position.max(Span::ZERO);
        let position = state.duration.map_or(position, |duration| position.min(duration));
        state.go_to(position, &self.shared.clock);
        self.shared.changed.notify_all();
    }

    /// Whether it is on its way to a position.
    pub fn seeking(&self) -> bool {
        self.shared.lock().seeking
    }

    /// Where on the film's time line it is.
    pub fn current_time(&self) -> Span {
        self.shared.lock().playhead.position(self.shared.clock.now())
    }

    /// How long the film is, where that is known: by its header, or once it was played to its end.
    pub fn duration(&self) -> Option<Span> {
        self.shared.lock().duration
    }

    /// Begins anew whenever it ends, or does not any more.
    pub fn set_loop(&self, looping: bool) {
        self.shared.lock().looping = looping;
    }

    /// Whether it begins anew whenever it ends.
    pub fn is_looping(&self) -> bool {
        self.shared.lock().looping
    }

    /// Plays so many times as fast from now on.
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

    /// How many times as fast it plays.
    pub fn playback_rate(&self) -> f64 {
        self.shared.lock().playhead.rate()
    }

    /// Whether it stands at its end.
    pub fn ended(&self) -> bool {
        self.shared.lock().ended
    }

    /// The size of its pictures (`videoWidth`, `videoHeight`).
    pub fn size(&self) -> Size {
        self.size
    }

    /// Lays this chain over the pictures that follow.
    pub fn set_filter(&self, filter: &FilterChain) {
        self.shared.screen().set_filter(filter);
    }

    /// How many pictures were due, and how many of them came too late.
    pub fn playback_quality(&self) -> PlaybackQuality {
        self.shared.lock().quality
    }

    /// What happens to it from now on. Each listener gets all of it; it ends when the player is dropped.
    pub fn events(&self) -> Listener<PlayerEvent> {
        self.shared.listeners.listen(false)
    }

    /// A stream of what it shows, and of its sound where it has any (`captureStream()`). Each stream has tracks of its
    /// own, which can be stopped by themselves.
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
            // A panic of the thread's has been told on standard error.
            let _ = thread.join();
        }
        // The tracks end with this, and nothing else can go wrong: the size has been accepted.
        let _ = self.shared.screen().end_tracks();
        self.shared.listeners.close();
    }
}

impl PlayerShared {
    fn lock(&self) -> MutexGuard<'_, PlayerState> {
        lock(&self.state)
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        lock(&self.screen)
    }
}

impl PlayerState {
    /// The playhead stands at this position until its picture is shown.
    fn go_to(&mut self, position: Span, clock: &Clock) {
        let now = clock.now();
        self.playhead.set_moving(false, now);
        self.playhead.jump(position, now);
        (self.seek, self.seeking, self.ended) = (Some(position), true, false);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
