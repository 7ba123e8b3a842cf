//! The sound of a microphone beside a player's frames: it is live whatever the playhead does.

use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use crate::audio::AudioBuffer;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::source::audio::AudioSource;
use crate::time::Timestamp;

/// How many buffers wait at most: a second.
const BUFFERS: usize = 50;

/// A live source of sound that is read on a thread of its own.
pub(super) struct LiveSound {
    buffers: Receiver<Result<Option<AudioBuffer>>>,
    format: (u32, usize),
    /// The clock's time of the sound's timestamp 0.
    began: Timestamp,
    over: bool,
}

impl LiveSound {
    /// Begins to read `source`, whose sound from now on is given with the times of `clock`.
    pub fn begin(mut source: Box<dyn AudioSource>, clock: &Clock) -> Result<Self> {
        let format = (source.info().rate, source.info().channels);
        let began = clock.now();
        source.begin_at(began, clock);
        let (to, buffers) = sync_channel(BUFFERS);
        let read = move || {
            loop {
                let buffer = source.next_buffer();
                let last = !matches!(buffer, Ok(Some(_)));
                if to.send(buffer).is_err() || last {
                    return;
                }
            }
        };
        thread::Builder::new().name("player microphone".into()).spawn(read).map_err(Error::no_thread)?;
        Ok(Self { buffers, format, began, over: false })
    }

    /// Samples a second, and channels.
    pub fn format(&self) -> (u32, usize) {
        self.format
    }

    /// The next buffer that has come, with its time of the clock.
    ///
    /// # Errors
    /// When the device went away; none follows then.
    pub fn next(&mut self) -> Result<Option<AudioBuffer>> {
        if self.over {
            return Ok(None);
        }
        match self.buffers.try_recv() {
            Ok(Ok(Some(mut sound))) => {
                sound.timestamp = self.began + (sound.timestamp - Timestamp::ZERO);
                Ok(Some(sound))
            }
            Ok(Err(error)) => {
                self.over = true;
                Err(error)
            }
            Ok(Ok(None)) | Err(TryRecvError::Disconnected) => {
                self.over = true;
                Ok(None)
            }
            Err(TryRecvError::Empty) => Ok(None),
        }
    }
}
