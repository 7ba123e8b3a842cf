//! The GPU.

/// An adapter with its device and queue.
#[derive(Debug)]
pub struct Gpu {}
