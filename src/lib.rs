//! framereel filters frames on the GPU and records them: your own drawing on a canvas, a film, a pipe, a picture or a
//! shader passes through a chain of filters and becomes a seekable `.webm`, with sound, or a still. It is the browser's
//! `canvas.filter` → `captureStream()` → `MediaRecorder`, as a library.
//!
//! It guarantees:
//! - **No frame is dropped silently.** Every incoming frame is in the file, or the [`Report`] has the
//!   reason why it is not.
//! - **Colours are kept.** The source's matrix, range and chroma siting are read and used. Recordings are BT.709,
//!   limited range, and tagged so. BT.709 film (4:2:0, limited range) without filters keeps its samples.
//! - **Files are complete.** A file has its duration and is seekable. After a stop, or when the source breaks off, it
//!   is playable up to that time; after the program is killed, it lacks at most its last second. A file that would not
//!   be playable is removed.
//! - **Results are reproducible.** Except with a real clock, time comes from the frames: two recordings of the same
//!   input decode to the same frames.
//!
//! # A canvas, recorded
//! As in the browser: a canvas, its filter, a stream of it, a recorder, and its events. The clock here advances by 1/30
//! s per frame; without it, time is real.
//!
//! ```
//! use framereel::{
//!     Canvas, Clock, Event, FrameRate, Gpu, MediaRecorder, MediaRecorderOptions, Source, source::pattern::PatternSource,
//! };
//!
//! fn main() -> framereel::Result<()> {
//!     let mut pattern = PatternSource::new(&Default::default())?;
//!     let mut canvas = Canvas::new(&Gpu::new()?, pattern.info().size)?.with_clock(Clock::stepped(FrameRate::whole(30)));
//!     canvas.set_filter(&"sepia(60%) blur(2px)".parse()?);
//!     let stream = canvas.capture_stream(None)?;
//!     let recorder = MediaRecorder::new(&stream, MediaRecorderOptions::default())?;
//!     recorder.start(None)?;
//!     for _ in 0..15 {
//!         canvas.draw(pattern.next_frame()?.expect("the pattern goes on for ever"));
//!         canvas.present()?;
//!     }
//!     recorder.stop();
//!     for event in recorder.events() {
//!         match event {
//!             Event::DataAvailable(event) => assert!(event.data.size() > 1000, "half a second of WebM, which seeks"),
//!             Event::Error(error) => return Err(error),
//!             _ => {}
//!         }
//!     }
//!     assert_eq!(recorder.report().frames_encoded, 15);
//!     Ok(())
//! }
//! ```
//!
//! - **Drawing.** [`Canvas::draw`](canvas::Canvas::draw) takes frames, [`Canvas::texture`](canvas::Canvas::texture) is
//!   a texture on your own device to draw into ([`Gpu::from_device`](gpu::Gpu::from_device)), and
//!   [`Canvas::draw_texture`](canvas::Canvas::draw_texture) copies a texture of yours.
//! - **Capture.** [`Canvas::present`](canvas::Canvas::present) paints. A stream captures a paint that shows something
//!   new and is wanted: every paint, paints at a rate, or on
//!   [`request_frame`](stream::MediaStreamTrack::request_frame).
//!   [`request_frame_at`](stream::MediaStreamTrack::request_frame_at) takes the timestamp and returns a
//!   [`Receipt`](stream::Receipt), which reports the frame as encoded once it is in the file, or as dropped for a
//!   reason.
//! - **Time.** A [`Clock`] is real, or advances by steps or by the timestamps of the frames. In real
//!   time, a recorder that is late drops frames, which are counted; otherwise every stage waits for the next one.
//!   Timestamps are kept: a variable frame rate stays variable.
//! - **Events.** [`events()`](recorder::MediaRecorder::events) is an iterator that ends with the recording and may be
//!   read on any thread; [`on_event`](recorder::MediaRecorder::on_event) takes a callback. Tracks and streams report
//!   mute, unmute, the end, and added and removed tracks in the same way
//!   ([`MediaStreamTrack::events`](stream::MediaStreamTrack::events)).
//! - **Formats.** WebM, MP4, GIF, animated WebP and PNG, a picture for each frame, tar: the type says which
//!   ([`MediaRecorderOptions::mime_type`](recorder::MediaRecorderOptions::mime_type), [`mux::Container`]).
//! - **Sound.** A [`TrackGenerator::audio`](stream::TrackGenerator::audio) on the canvas's clock, added to the stream,
//!   is recorded as Opus; alone, as WebM, Ogg or WAV ([`mux::Container`]). Pauses are cut out of video and sound at the
//!   same time.
//!
//! # Where a recording goes
//! | to | by |
//! |---|---|
//! | one blob, which seeks | [`start(None)`](recorder::MediaRecorder::start) |
//! | a blob every second | `start(Span::from_secs(1))`; [joined](blob::Blob::join) they are the file, and [`into_seekable`](blob::Blob::into_seekable) gives it its index |
//! | a file, which plays at every instant | [`start_to`](recorder::MediaRecorder::start_to) a [`FileSink`] |
//! | a file after the other, with no frame lost | `start_to` [`Pieces`](recorder::Pieces), by time or by size |
//! | a file for each frame | `start_to` [`Destination::Pictures`] |
//! | a pipe, or a file for each slice | `start_to` [`Destination::Stream`] or [`Destination::Chunks`] |
//! | memory, for the last seconds only | [`Replay`] |
//!
//! [`mux::repair()`] repairs the file of a program that was killed, and [`mux::inspect()`] lists the content of a file.
//!
//! # A source, recorded
//! [`record()`](recorder::record()) records any [`Source`] from its beginning to its end, as fast as
//! possible:
//!
//! ```
//! use framereel::{FileSink, Gpu, SourceOptions, SourceSpec, Span, open, record};
//!
//! fn main() -> framereel::Result<()> {
//! #   let folder = tempfile::tempdir().unwrap();
//! #   std::env::set_current_dir(&folder).unwrap();
//!     let source = open(&SourceSpec::Pattern, &SourceOptions::default())?;
//!     let report = record(source)
//!         .filter("sepia(60%) blur(2px)".parse()?)
//!         .duration(Span::from_millis(500))
//!         .run(&Gpu::new()?, FileSink::create("pattern.webm")?)?;
//!     assert_eq!((report.frames_encoded, report.frames_dropped), (15, 0));
//!     Ok(())
//! }
//! ```
//!
//! Given a source alone, it records pictures alone; [`Media::with_sound`](recorder::Media::with_sound) takes the
//! source's own sound too, and [`source::audio`] opens other sound to go with it. [`Controls`] end
//! it, or give it another chain while it runs.
//!
//! # Filters and stills
//! A chain is read from CSS syntax ([`filter::FilterChain`]), by default without opening any file
//! ([`filter::FileAccess`]); [`filter::catalog()`] lists what can stand in it. Your own
//! WGSL is [`filter::Custom`], as a filter or, by [`source::shader`], as a source. A chain can move over time
//! ([`FilterChain::animate`](filter::FilterChain::animate)). A still is [`Canvas::to_blob`](canvas::Canvas::to_blob),
//! [`Canvas::to_data_url`](canvas::Canvas::to_data_url), or [`Canvas::read`](canvas::Canvas::read) and
//! [`still::encode`].
//!
//! # Tracing
//! The stages report what they do, as spans and events of the crate [`tracing`] at the level debug: a program that has a
//! subscriber, as bevy's `trace` features install one, sees them beside its own. Without a subscriber each costs a few
//! nanoseconds. The thread of a stage has the stage's name: `source`, `filter`, `encode`, `sound`, `mux`. (Reading a `live
//! source` includes waiting for its next frame.)
//!
//! | what | as |
//! |---|---|
//! | work: `read`, `submit`, `compile`, `read back`, `encode`, `segment` (of a film whose parts are encoded side by side), `write` and others | a span, without the time of waiting for input |
//! | a message begins to wait in a queue, or no longer waits | an event with the fields `queue`, its name, and `change`, 1 or -1 |
//! | a frame is dropped | an event with the field `dropped`, the reason |
//! | the speed of an encoder that changes it, at first and at each change | an event with the field `speed`, 0 to 10 |
//!
//! # Map
//! The modules of a layer use modules of the same layer and of those below it, never of one above.
//!
//! | layer | modules |
//! |---|---|
//! | 3 | [`recorder`]: recorders, the pipeline from a stream to a file, replays, and sources from end to end · [`preview`]: shows a stream |
//! | 2 | [`source`]: where frames and sound come from · [`devices`]: cameras and microphones · [`canvas`]: what frames are drawn on · [`gpu`]: what runs there · [`encode`]: AV1, VP8, VP9, GIF, pictures, the encoders of the `ffmpeg` program; Opus, AAC, PCM |
//! | 1 | [`filter`]: chains, users' WGSL, colour tables and the plan of passes · [`mux`]: WebM, MP4, GIF, WebP, APNG, tar, Ogg and WAV written, WebM and MP4 inspected and repaired · [`blob`]: bytes with a type · [`stream`]: streams and tracks · [`constraints`]: what is asked of cameras and microphones · `av1`, `vp8`, `vp9`: their headers · [`still`]: PNG, JPEG, WebP |
//! | 0 | [`frame`], [`audio`], [`clock`], [`codec`], [`packet`], [`color`], [`time`], [`Error`] |
//!
//! # Features
//! | feature | default | what it adds |
//! |---|---|---|
//! | `cli` | yes | the program `framereel` |
//! | `preview` | yes | the program's window, `framereel preview`; [`preview::Preview`] needs no feature |
//! | `aom` | yes | AV1 in real time with libaom, built from source: needs cmake, nasm and a C compiler |
//! | `vpx` | yes | VP8 and VP9, written and read by the system's libvpx, on Linux and macOS: needs its headers and pkg-config |
//! | `audio` | yes | microphones, and what the system plays: needs ALSA's headers on Linux |
//! | `camera` | yes | cameras on Linux by V4L2: needs libclang, cmake and nasm |
//!
//! A program that uses the library sets `default-features = false` and names those that it wants. Without `aom` rav1e
//! encodes. The WebM writer needs a C++ compiler, Opus cmake and a C compiler, rav1e's assembly nasm. The `ffmpeg`
//! program is asked at run time for the files that are not read here: everything but YUV4MPEG2, AV1 (with `vpx` also
//! VP8 and VP9) in WebM or Matroska, PNG, JPEG, WebP and BMP. Filters and shaders need no feature.
#![cfg_attr(
    not(all(feature = "audio", feature = "camera", feature = "vpx", target_os = "linux")),
    allow(
        dead_code,
        unused_imports,
        reason = "what only devices and libvpx use stays where it belongs in builds without them"
    )
)]

#[macro_use]
mod macros;

pub mod audio;
mod av1;
mod bits;
pub mod blob;
pub mod canvas;
pub mod clock;
pub mod codec;
pub mod color;
pub mod constraints;
pub mod devices;
pub mod encode;
mod error;
pub mod filter;
pub mod frame;
pub mod gpu;
mod motion_blur;
pub mod mux;
pub mod packet;
pub mod preview;
pub mod recorder;
pub mod source;
pub mod still;
pub mod stream;
pub mod time;
#[cfg(test)]
#[path = "../tests/support/tools.rs"]
mod tools;
mod trace;
mod vp8;
mod vp9;

pub use blob::Blob;
pub use canvas::Canvas;
pub use clock::Clock;
pub use codec::VideoCodec;
pub use color::ColorSpace;
pub use constraints::Constraints;
pub use devices::MediaDevices;
pub use error::{Error, ErrorKind, Result};
pub use filter::FilterChain;
pub use frame::{Frame, PixelFormat, Size};
pub use gpu::Gpu;
pub use motion_blur::MotionBlur;
pub use recorder::{
    Controls, Destination, Event, Failure, FileSink, Media, MediaRecorder, MediaRecorderOptions, Recording, Replay,
    Report, Whammy, record,
};
pub use source::{Source, SourceOptions, SourceSpec, open};
pub use stream::{MediaStream, MediaStreamTrack, TrackGenerator};
pub use time::{FrameRate, Span, Timestamp};
/// The version of wgpu whose devices and textures this crate accepts.
pub use wgpu;

/// Compiles the README's example as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles and runs the book's examples as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/cookbook.md")]
struct Cookbook;

/// Compiles the examples of the page about the window.
#[cfg(doctest)]
#[doc = include_str!("../docs/window.md")]
struct WindowPage;
