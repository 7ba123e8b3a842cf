//! The sound of a microphone beside a player's frames: it goes on whatever the playhead does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread;

use super::{PlayerEvent, PlayerShared};
use crate::error::{Error, Result};
use crate::source::audio::AudioSource;
use crate::time::Timestamp;

/// Gives the sound of `source` from now on to the player's track, on a thread of its own, until the player is dropped. If
/// the device goes away, the track ends with its error, and [`PlayerEvent::SoundError`] is sent.
pub(super) fn begin(mut source: Box<dyn AudioSource>, shared: &Arc<PlayerShared>) -> Result<()> {
    let began = shared.clock.now();
    source.begin_at(began, &shared.clock);
    let player = Arc::downgrade(shared);
    let run = move || {
        let given = catch_unwind(AssertUnwindSafe(|| give_all(&mut *source, began, &player)));
        let failed = given.unwrap_or_else(|_| Err(Error::unknown("the microphone's reader broke off: it panicked")));
        if let (Err(error), Some(player)) = (failed, player.upgrade()) {
            player.screen().end_sound(&error);
            player.listeners.tell(|| PlayerEvent::SoundError(error.clone()));
        }
    };
    thread::Builder::new().name("player microphone".into()).spawn(run).map(drop).map_err(Error::no_thread)
}

/// Gives all sound with the clock's times; timestamp 0 is `began`.
fn give_all(source: &mut dyn AudioSource, began: Timestamp, player: &Weak<PlayerShared>) -> Result<()> {
    while let Some(mut sound) = source.next_buffer()? {
        sound.timestamp = began + (sound.timestamp - Timestamp::ZERO);
        let Some(player) = player.upgrade() else { return Ok(()) };
        player.screen().give_live(sound);
    }
    Ok(())
}
