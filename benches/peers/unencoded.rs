//! The pictures that go to an encoder, which what was recorded is compared with.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use framereel::canvas::Capture;
use framereel::filter::FilterChain;
use framereel::frame::{Frame, PixelFormat};
use framereel::gpu::Gpu;
use framereel::source::{self, SourceOptions, SourceSpec};

use crate::chain::Chain;
use crate::film::Film;
use crate::tool;

/// Writes the film's frames as framereel filters them, in YUV4MPEG2.
pub fn by_framereel(film: &Film, chain: &Chain, file: &Path) -> Result<(), Box<dyn Error>> {
    let spec: SourceSpec = film.path.display().to_string().parse()?;
    let chain: FilterChain = chain.chain.parse()?;
    let mut source = source::open(&spec, &SourceOptions::default())?;
    let size = source.info().size;
    let mut capture = Capture::new(&Gpu::new()?, &chain, size, PixelFormat::I420);
    let mut out = BufWriter::new(File::create(file)?);
    writeln!(out, "YUV4MPEG2 W{} H{} F25:1 Ip A1:1 C420mpeg2", size.width, size.height)?;
    let mut write = |picture: Frame| -> std::io::Result<()> {
        writeln!(out, "FRAME")?;
        (0..3).flat_map(|plane| picture.rows(plane)).try_for_each(|row| out.write_all(row))
    };
    while let Some(frame) = source.next_frame()? {
        if capture.is_full()
            && let Some(picture) = capture.take()?
        {
            write(picture)?;
        }
        capture.submit(&frame, frame.timestamp)?;
    }
    while let Some(picture) = capture.take()? {
        write(picture)?;
    }
    Ok(out.flush()?)
}

/// The same by ffmpeg.
pub fn by_ffmpeg(film: &Film, chain: &Chain, file: &Path) -> Result<(), Box<dyn Error>> {
    let mut command = tool::ffmpeg(&film.path);
    command.args(chain.ffmpeg(film.is_tagged()).iter().flat_map(|filters| ["-vf", filters]));
    tool::run(command.args(["-f", "yuv4mpegpipe"]).arg(file))?;
    Ok(())
}
