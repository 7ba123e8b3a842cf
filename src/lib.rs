//! framereel records what you can draw.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod canvas;
pub mod color;
pub mod encode;
mod error;
pub mod filter;
pub mod frame;
pub mod gpu;
pub mod mux;
pub mod packet;
pub mod recorder;
pub mod source;
pub mod still;
pub mod time;

pub use error::{Error, ErrorKind, Result};
