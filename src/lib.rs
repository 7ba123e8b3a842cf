//! framereel records what you can draw: frames from a film, a pipe, a picture, a shader or your own wgpu texture go
//! through a chain of filters on the GPU and leave as a `.webm` that seeks, or as a still.
//!
//! It promises:
//! - **Nothing is dropped in silence.** Every frame that came in is in the file or in the [`Report`](recorder::Report)
//!   with the reason why it is not.
//! - **Colours stay.** The source's matrix, range and chroma siting are read and respected; what is written is BT.709,
//!   limited range, and the file says so. BT.709 film (4:2:0, limited range) that no filter touches keeps its samples.
//! - **A file is a whole file.** It has its duration and seeks; one that was stopped or whose source broke off plays up
//!   to that moment; one that could not play is not left behind.
//! - **The same in, the same out.** Time comes from the frames, never from a clock: what is recorded twice decodes to
//!   the same frames twice.
//!
//! # Example
//! The built-in pattern, half a second of it, through two filters:
//!
//! ```
//! use framereel::gpu::Gpu;
//! use framereel::recorder::{Controls, FileSink, RecordOptions, record};
//! use framereel::source::{SourceOptions, SourceSpec, open};
//! use framereel::time::Span;
//!
//! fn main() -> framereel::Result<()> {
//! #   let folder = tempfile::tempdir().unwrap();
//! #   std::env::set_current_dir(&folder).unwrap();
//!     let gpu = Gpu::new()?;
//!     let source = open(&SourceSpec::Pattern, &SourceOptions::default())?;
//!     let options = RecordOptions {
//!         filter: "sepia(60%) blur(2px)".parse()?,
//!         duration: Some(Span::from_millis(500)),
//!         ..RecordOptions::default()
//!     };
//!     let sink = FileSink::create("pattern.webm", true)?;
//!     let report = record(&gpu, source, &options, sink, &Controls::new(), &mut |_| {})?;
//!     assert_eq!((report.frames_encoded, report.frames_dropped), (15, 0));
//!     Ok(())
//! }
//! ```
//!
//! A still is [`Canvas::draw`](canvas::Canvas::draw), [`Canvas::set_filter`](canvas::Canvas::set_filter),
//! [`Canvas::read`](canvas::Canvas::read) and [`still::encode`].
//!
//! A chain is read from CSS syntax ([`filter::FilterChain`]); [`filter::catalog()`] lists what can stand in it. Your own
//! WGSL is [`filter::Custom`], as a filter or, by [`source::shader`], as a source. What your program draws with wgpu
//! goes in by [`Gpu::from_device`](gpu::Gpu::from_device) and
//! [`Capture::submit_texture`](canvas::Capture::submit_texture). A chain can move over time
//! ([`FilterChain::animate`](filter::FilterChain::animate)) and be replaced while it runs
//! ([`Controls`](recorder::Controls)).
//!
//! # Map
//! Each floor uses its own and those below it, never one above.
//!
//! | floor | modules |
//! |---|---|
//! | 3 | [`recorder`]: the pipeline from a source to a file, its options, controls and report |
//! | 2 | [`source`]: where frames come from · [`canvas`]: what frames are drawn on · [`gpu`]: what runs there · [`encode`]: AV1 |
//! | 1 | [`filter`]: chains, users' WGSL, colour tables and the plan of passes · [`mux`]: WebM · [`stream`]: streams and tracks · [`still`]: PNG, JPEG, WebP |
//! | 0 | [`frame`], [`audio`], [`clock`], [`packet`], [`color`], [`time`], [`Error`] |
//!
//! # Features
//! | feature | default | what it adds |
//! |---|---|---|
//! | `aom` | yes | AV1 in real time with libaom, built from source: needs cmake, nasm and a C compiler |
//!
//! Without it rav1e encodes. The WebM writer needs a C++ compiler, rav1e's assembly nasm. The `ffmpeg` program is asked
//! at run time for the files that are not read here: everything but YUV4MPEG2, AV1 in WebM or Matroska, PNG, JPEG, WebP
//! and BMP. Filters and shaders need no feature.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod audio;
pub mod canvas;
pub mod clock;
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
pub mod stream;
pub mod time;

pub use error::{Error, ErrorKind, Result};

/// Compiles the README's example as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
