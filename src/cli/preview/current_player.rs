//! The player whose frames are shown, shared by the threads that look at it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use framereel::source::player::Player;
use parking_lot::Mutex;

/// The present player. Cheap to clone; clones are the same.
#[derive(Clone, Default)]
pub struct CurrentPlayer(Arc<CurrentPlayerState>);

#[derive(Default)]
struct CurrentPlayerState {
    player: Mutex<Option<Arc<Player>>>,
    closed: AtomicBool,
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
        self.0.closed.store(true, Ordering::Release);
        self.0.player.lock().take();
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }
}
