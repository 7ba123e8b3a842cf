//! The player whose frames are shown, shared by the threads that look at it.

use std::sync::Arc;
use std::time::Duration;

use framereel::source::player::Player;
use parking_lot::{Condvar, Mutex};

/// The present player. Cheap to clone; clones are the same.
#[derive(Clone, Default)]
pub struct CurrentPlayer(Arc<CurrentPlayerState>);

#[derive(Default)]
struct CurrentPlayerState {
    player: Mutex<Option<Arc<Player>>>,
    closed: Mutex<bool>,
    changed: Condvar,
}

impl CurrentPlayer {
    /// The present player.
    pub fn player(&self) -> Option<Arc<Player>> {
        self.0.player.lock().clone()
    }

    /// Sets the player.
    pub fn set_player(&self, player: Arc<Player>) {
        *self.0.player.lock() = Some(player);
    }

    /// Ends the threads that look at it.
    pub fn close(&self) {
        *self.0.closed.lock() = true;
        self.0.changed.notify_all();
        self.0.player.lock().take();
    }

    /// Waits this long, or until it is closed; returns whether it is still open.
    pub fn wait(&self, time: Duration) -> bool {
        let mut closed = self.0.closed.lock();
        if !*closed {
            self.0.changed.wait_for(&mut closed, time);
        }
        !*closed
    }
}
