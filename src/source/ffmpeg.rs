//! Reads all files that this library does not read itself, through the `ffmpeg` and `ffprobe` programs.
//!
//! ffprobe describes the first video stream. ffmpeg decodes it to raw frames on a pipe, without leaving any out,
//! upright and with square pixels, and prints the time of each. YUV stays YUV at 8, 10 or 12 bits (of 9, it gets 10, of
//! 14 and 16, 12): neither matrix nor range nor light is converted, so that colours are converted only once, on the
//! GPU. RGB, palettes and formats with an alpha channel come as RGBA of 8 bits.
//!
//! Film that says it is interlaced is deinterlaced by ffmpeg's `bwdif`, unless that is switched off: one frame for each
//! frame of the film, at its time. Single frames that are not interlaced pass unchanged.
//!
//! Each frame keeps the film's own time, counted from the film's first frame: nothing is resampled. `frame_times`
//! corrects times that do not rise.
//!
//! # What a film may not do
//! A file may be called `film.mp4` and be a playlist that names other files, or its name may be a pattern for many
//! files. The programs may open only the one file: the protocol is `file` alone, the path has the prefix `file:`, and
//! only demuxers are permitted that read nothing but the given file (`DEMUXERS`). Playlists (HLS, DASH, `ffconcat`,
//! Smooth Streaming), session descriptions, scripts of AviSynth and VapourSynth and the directories of IMF are not
//! among them, whatever the file's name. Still pictures that ffmpeg identifies by their names only are read by its
//! `image2` with patterns switched off.
//!
//! # Budget
//! | what | at most |
//! |---|---|
//! | ffprobe's answer | 4 MiB, within 60 s |
//! | the programs' messages that are kept | 64 KiB of ffprobe's first, 4 KiB of ffmpeg's last |
//! | times that ffmpeg prints before their pictures | 4096 |
//! | a picture | 16384x16384 pixels |
//! | from one frame to the next | a day |

use std::ffi::OsString;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{
    Deinterlace, MAX_SIDE, Source, SourceInfo, SourceOptions, check_gap, checked_size, frame_at, plausible,
    start_beyond_end,
};
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::source::audio::{AudioSource, SoundStart};
use crate::time::{Span, Timestamp};

use decoding::End;
use film::{EarlyRun, Film};
use probe::Stream;

mod decoding;
mod device;
mod film;
mod frame_times;
mod probe;
mod run;
mod sound;

pub use decoding::timed;
pub use device::DeviceSource;
pub use probe::probed;
pub(crate) use run::without_controls;
pub use sound::{FfmpegSound, TimeBase};

/// The demuxers of ffmpeg that are permitted: those of common containers, streams, pictures and sounds. None of them
/// opens another file than the given one (`mov` can, but only with an option). Some exist only in newer versions of
/// ffmpeg than the installed one. Formats of old games are left out, because some of them read files beside their own.
const DEMUXERS: &str = "mov,matroska,avi,flv,live_flv,mpegts,mpeg,mpegvideo,m4v,h261,h263,h264,hevc,vvc,evc,av1,obu,ivf,ogg,\
    nut,asf,asf_o,rm,gif,apng,webp,dv,mxf,gxf,wtv,dirac,vc1,vc1test,avs2,avs3,cavsvideo,dnxhd,swf,yuv4mpegpipe,mjpeg,\
    mjpeg_2000,smjpeg,nuv,nsv,bink,smk,flic,roq,ico,alias_pix,bmp_pipe,cri_pipe,dds_pipe,dpx_pipe,exr_pipe,gem_pipe,\
    gif_pipe,hdr_pipe,j2k_pipe,jpeg_pipe,jpegls_pipe,jpegxl_pipe,jpegxl_anim,jpegxs_pipe,pam_pipe,pbm_pipe,pcx_pipe,\
    pfm_pipe,pgm_pipe,pgmyuv_pipe,pgx_pipe,phm_pipe,photocd_pipe,pictor_pipe,png_pipe,ppm_pipe,psd_pipe,qdraw_pipe,\
    qoi_pipe,sgi_pipe,sunrast_pipe,tiff_pipe,vbn_pipe,webp_pipe,xbm_pipe,xpm_pipe,xwd_pipe,\
    wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,dts,dtshd,truehd,mlp,amr,ape,tta,tak,wv,mpc,mpc8,voc,loas";
/// The filter for interlaced film; its times are half a frame's ticks, which `settb` after it corrects.
const BWDIF: &str = "bwdif=mode=send_frame:parity=auto:deint=interlaced";
/// The remedy in errors when the program is missing.
pub const INSTALL: &str = "install it (Debian and Ubuntu: `apt install ffmpeg`, macOS: `brew install ffmpeg`)";

/// The version of the `ffmpeg` program, as `5.1.9`; none where it or `ffprobe` is missing or does not run.
pub fn version() -> Option<String> {
    let answer = |program: &str| {
        let output = Command::new(program).arg("-version").stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    answer("ffprobe")?;
    let text = answer("ffmpeg")?;
    Some(text.split_ascii_whitespace().nth(2).unwrap_or("of an unknown version").to_owned())
}

/// Frames of a file's first video stream, as ffmpeg decodes them.
pub struct FfmpegSource {
    info: SourceInfo,
    stream: Stream,
    deinterlaced: bool,
    path: PathBuf,
    name: String,
    film: Film,
    /// The time of the first frame that is given, counted from the film's first frame.
    first: Timestamp,
    /// The time of the last frame so far.
    last: Timestamp,
    read: u64,
    /// The end of the last frame, where frames are counted but the number of skipped ones is unknown.
    until: Option<Span>,
}

debug_fields!(FfmpegSource { info, path });

impl FfmpegSource {
    /// Asks ffprobe about the file, starts ffmpeg beside it or afterwards, and reads up to the frame that is shown at the
    /// start. Errors: `NotFoundError` where the programs are missing, `NotReadableError` where they cannot read the file,
    /// `RangeError` where it ends before the start.
    pub fn open(path: &Path, options: &SourceOptions) -> Result<Self> {
        let name = path.display().to_string();
        Self::start(path, options, &name).map_err(|error| error.at(&name))
    }

    fn start(path: &Path, options: &SourceOptions, name: &str) -> Result<Self> {
        let start = options.start.unwrap_or(Span::ZERO);
        let early = if start == Span::ZERO { EarlyRun::start(path) } else { None };
        let mut stream = probe::probe(path)?;
        stream.color.tone_map = options.tone_map;
        let deinterlaced = stream.interlaced && options.deinterlace == Deinterlace::Auto;
        if deinterlaced {
            stream.filter = format!("{BWDIF},{}", stream.filter);
            stream.as_is = false;
        }
        if let Some(end) = stream.end
            && start > Span::ZERO
            && start >= end
        {
            return Err(start_beyond_end(start, end));
        }
        let mut until = None;
        let film = if start > Span::ZERO {
            until = stream.duration.filter(|_| stream.counted.is_some() && !stream.steady);
            let skipped = frame_at(stream.rate, start);
            let left = |frames: Option<u64>| frames.filter(|_| stream.steady).map(|all| all.saturating_sub(skipped));
            (stream.frames, stream.counted) = (left(stream.frames), left(stream.counted));
            Film::from(path, &stream, start)?
        } else {
            Film::whole(path, &stream, early)?
        };
        let info = SourceInfo {
            kind: "ffmpeg",
            size: stream.size,
            rate: Some(stream.rate),
            frames: stream.frames,
            endless: false,
        };
        let first = film.next_time().unwrap_or_default();
        let (path, name) = (path.to_owned(), name.to_owned());
        Ok(Self { info, stream, deinterlaced, path, name, film, first, last: first, read: 0, until })
    }

    /// Interprets the end of ffmpeg's output: the end of the film, or an error.
    fn finish(&mut self) -> Result<()> {
        let End { status, message, broken } = self.film.end()?;
        let read = self.read;
        if !status.success() || broken {
            let message = if message.is_empty() { status.to_string() } else { message };
            return Err(Error::not_readable(format!(
                "expected ffmpeg to decode it to the end but it stopped after {read} frames: {message}"
            )));
        }
        if read == 0 {
            let none = "ffmpeg found no picture at or after the start".to_owned();
            let message = if message.is_empty() { none } else { message };
            return Err(Error::not_readable(format!("expected at least one frame but found none: {message}")));
        }
        // A file that ends early is not an error to ffmpeg. The figures in a file's header may be slightly wrong.
        if message.is_empty() {
            return Ok(());
        }
        let rate = self.stream.rate;
        let last = self.last - Timestamp::ZERO;
        match (self.stream.counted, self.until) {
            (Some(counted), _) if read + 2 + counted / 100 < counted => {
                Err(Error::not_readable(format!("expected {counted} frames but found {read}: {message}")))
            }
            (None, Some(until)) if rate.frames_in(last) + 3 + rate.frames_in(until) / 100 < rate.frames_in(until) => {
                Err(Error::not_readable(format!(
                    "expected frames up to {until} but found the last at {last}: {message}"
                )))
            }
            _ => Ok(()),
        }
    }
}

impl Source for FfmpegSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn first_frame(&self) -> Option<Span> {
        Some(self.first - Timestamp::ZERO)
    }

    fn color(&self) -> Option<ColorSpace> {
        Some(self.stream.color)
    }

    fn is_deinterlaced(&self) -> bool {
        self.deinterlaced
    }

    fn sound(&mut self) -> Result<Option<Box<dyn AudioSource>>> {
        let Some(sound) = self.stream.sound.clone().filter(|_| self.stream.demuxer == Demuxer::Probed) else {
            return Ok(None);
        };
        let (base, skipped) = (self.film.time_base(), self.first - Timestamp::ZERO);
        let open = |sound, begin| FfmpegSound::open_stream(&self.path, sound, SoundStart::FileTime(begin), base);
        // The sound of a whole film is decoded from its own beginning on, so ffmpeg need not wait for the first frame,
        // which says where the film begins.
        let early = (skipped == Span::ZERO).then(|| open(sound.clone(), sound.begin)).transpose()?;
        let Some(zero) = self.film.zero(&self.path, &self.stream).map_err(|error| error.at(&self.name))? else {
            return Ok(None);
        };
        let begin = zero + skipped;
        let sound = match early.and_then(|early| early.begun_at(begin)) {
            Some(sound) => sound,
            None => open(sound, begin)?,
        };
        Ok(Some(Box::new(sound)))
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let Stream { format, size, color, .. } = self.stream;
        let picture = self.film.next_picture().map_err(|error| error.at(&self.name))?;
        let Some((picture, shown)) = picture else {
            return self.finish().map(|()| None).map_err(|error| error.at(&self.name));
        };
        check_gap(self.last, shown).map_err(|error| error.at(&self.name))?;
        self.last = shown;
        self.read += 1;
        let timestamp = Timestamp::ZERO + (shown - self.first);
        Ok(Some(Frame::packed(format, size, color, picture.data).with_timestamp(timestamp)))
    }
}

/// A program that Ctrl-C at the terminal does not reach: framereel decides when a recording ends.
pub(crate) fn program(name: &str) -> Command {
    #[cfg_attr(not(unix), expect(unused_mut))]
    let mut command = Command::new(name);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// How a program identifies a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demuxer {
    /// By its bytes.
    Probed,
    /// By its name, as one still picture.
    Image,
}

/// Passes the one file that the program may open.
fn add_input(command: &mut Command, path: &Path, demuxer: Demuxer) {
    let max_pixels = u64::from(MAX_SIDE) * u64::from(MAX_SIDE);
    command.args(["-protocol_whitelist", "file", "-max_pixels", &max_pixels.to_string(), "-format_whitelist"]);
    match demuxer {
        Demuxer::Probed => command.arg(DEMUXERS),
        Demuxer::Image => command.args(["image2", "-f", "image2", "-pattern_type", "none"]),
    };
    command.arg("-i").arg(file_url(path));
}

/// The path as `file:…`, which is neither an option nor another protocol, whatever the name.
fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

/// The films in WebM that are read without ffmpeg.
const WEBM: &str = if cfg!(all(feature = "vpx", unix)) { "AV1, VP8 and VP9 .webm" } else { "AV1 .webm" };

fn not_started(error: std::io::Error) -> Error {
    if error.kind() == IoErrorKind::NotFound {
        return Error::not_found(format!(
            "expected the ffmpeg program, which reads this kind of file, but found none; {INSTALL}. Without it, .y4m, \
             {WEBM}, PNG, JPEG, WebP, BMP and WAV files can be read"
        ));
    }
    Error::unknown("the ffmpeg program did not start").with_cause(error)
}

/// Clips for tests, made with the `ffmpeg` program.
#[cfg(test)]
pub(super) mod clips {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use crate::tools;

    /// A clip of ffmpeg's moving `testsrc` made with these arguments; none without ffmpeg.
    #[track_caller]
    pub(in crate::source) fn made(name: &str, source: &str, arguments: &str) -> Option<(tempfile::TempDir, PathBuf)> {
        // The code under test runs ffprobe too.
        if !(tools::has("ffmpeg") && tools::has("ffprobe")) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", source]).args(arguments.split(' '));
        assert!(command.arg(super::file_url(&path)).status().unwrap().success(), "{command:?}");
        Some((folder, path))
    }

    /// The clip as ffmpeg decodes it, with these arguments before and after the input.
    pub(in crate::source) fn decoded(path: &Path, arguments: &str) -> Vec<u8> {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-i"]).arg(super::file_url(path));
        let output = command.args(arguments.split(' ')).args(["-f", "rawvideo", "-"]).output().unwrap();
        assert!(output.status.success(), "{command:?}");
        output.stdout
    }
}

#[cfg(test)]
mod tests;
