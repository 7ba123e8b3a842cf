//! `framereel record`: a source through the filters into a `.webm` or several, with a bar while it runs and a summary
//! at its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use framereel::filter::FilterChain;
use framereel::gpu::Gpu;
use framereel::mux::Container;
use framereel::recorder::{self, Controls, Destination, Failure, Media, RecordEvent, Recording, Report};
use framereel::source::SourceSpec;
use framereel::source::pictures::sort_as_meant;
use framereel::time::Span;
use framereel::{Error, ErrorKind, MotionBlur, Result};

use super::args::RecordArgs;
use super::keys::{KeyCommand, Keys};
use super::progress::{Bar, count_down};
use super::show::graphics::Graphics;
use super::show::{Show, check_terminal};
use super::summary::{json, summary};
use super::target::Target;
use super::terminal::Terminal;
use super::trace::Trace;
use super::transparency::{NOTE, shows_black};
use super::values::container_of;
use super::watch::Watch;
use super::{SIGNAL_DEBOUNCE, create, end_at_once, on_signal, print, warn, webp_film};

/// The default length of a recording of a source without an end.
const ENDLESS: Span = Span::from_secs(5);

pub fn run(args: &RecordArgs) -> Result<()> {
    let args = &args.with_all_pictures()?;
    let mut targets = Target::all(args)?;
    args.check_show()?;
    args.check_frames()?;
    args.gif_options()?;
    let trace = args.begin_trace(&targets)?;
    let (report, error) = match webp_film::pictures(args) {
        Some(film) => match targets[0].open() {
            Ok(destination) => webp_film::record(args, film, destination),
            Err(error) => (Report::default(), Some(error)),
        },
        None => match record(args, &mut targets) {
            Ok(report) => (report, None),
            Err(failure) => (failure.report, Some(failure.error)),
        },
    };
    // After an error at the start, further outputs have no report.
    let nothing = Report::default();
    let reports = std::iter::once(&report).chain(&report.further).chain(std::iter::repeat(&nothing));
    let kept: Vec<_> = targets.iter().zip(reports).map(|(target, report)| target.kept(report)).collect();
    // An empty file of times, which was opened for nothing, is removed like an empty recording.
    let tidied = targets.iter().zip(&kept).map(|(target, kept)| target.tidy_up(kept)).fold(Ok(()), Result::and);
    let is_empty = kept.iter().all(Vec::is_empty);
    let traced = args.trace.as_deref().map_or(Ok(()), |path| trace.finish(path, is_empty));
    let error = error.or(tidied.err()).or(traced.err());
    let busy = trace.busy();
    // A device or a pipe may be standard output: the summary must not be written into the video.
    if args.json {
        let text = json(&report, &kept, &busy, error.as_ref());
        if targets.iter().any(Target::is_stdout) { eprintln!("{text}") } else { print(text)? }
    } else if !is_empty {
        let text = summary(&report, &kept, &busy);
        if targets.iter().any(Target::is_piped) { eprintln!("{text}") } else { print(text)? }
    }
    error.map_or(Ok(()), Err)
}

fn record(args: &RecordArgs, targets: &mut [Target]) -> Result<Report, Box<Failure>> {
    let chain = args.input.chain().map_err(nothing_kept)?;
    let opened = targets.iter_mut().map(Target::open).collect::<Result<Vec<_>>>().map_err(nothing_kept)?;
    let traces = targets.iter().flat_map(Target::traces).collect();
    let signals = listen_to_signals(traces).map_err(nothing_kept)?;
    let graphics = args.show.map(|asked| asked.unwrap_or_else(Graphics::detect));
    let (gpu, media) = args.open_gpu_and_media().map_err(nothing_kept)?;
    if args.containers().contains(&Container::Gif) {
        args.gif_warnings(&media).iter().for_each(|text| warn(text));
    }
    let live = args.realtime || media.is_live();
    let mut bar = Bar::new(live);
    let terminal = bar.terminal();
    if args.shows_black(&gpu, &media, &chain).map_err(nothing_kept)? {
        terminal.print(format_args!("{NOTE}"));
    }
    let watch = args.watch.then(|| watch(args, &signals.controls, terminal.clone())).transpose();
    let _watch = watch.map_err(nothing_kept)?;
    count_down(args.countdown.unwrap_or(0));
    signals.recording.store(true, Ordering::Relaxed);
    let keys = Keys::listen(follow(&signals.controls, live, targets[0].stills()));
    let mut show = None;
    let outputs = targets.iter().zip(opened);
    let mut last = vec![None; targets.len()];
    let (recording, destination) = args.recording(media, chain, outputs).map_err(nothing_kept)?;
    let recording = recording.controls(&signals.controls).on_event(|event| {
        bar.tell(&signals.controls);
        match event {
            RecordEvent::Progress(progress) => bar.show(progress, &signals.controls),
            RecordEvent::Data(event) => last[0] = Some(event.data),
            RecordEvent::FurtherData(index, event) => last[index + 1] = Some(event.data),
            _ => {}
        }
    });
    let recording = recording.on_stream(|stream| {
        if let (Some(graphics), [track]) = (graphics, &*stream.video_tracks()) {
            match Show::begin(graphics, track, terminal.clone()) {
                Ok(begun) => show = Some(begun),
                Err(error) => terminal.print(format_args!("error: {error}")),
            }
        }
    });
    let outcome = recording.run(&gpu, destination);
    drop(show);
    drop(keys);
    bar.tell(&signals.controls);
    let saved =
        targets.iter().zip(&last).map(|(target, last)| target.save_times(last.as_ref())).fold(Ok(()), Result::and);
    match (outcome, saved) {
        (Ok(report), Err(error)) => Err(Box::new(Failure { error, report })),
        (outcome, _) => outcome.map_err(|failure| args.explained(failure)),
    }
}

/// Watches the shaders of these arguments; the chain is read again when one has changed. A file that cannot be parsed
/// is reported, and the recording continues with the previous chain.
fn watch(args: &RecordArgs, controls: &'static Controls, terminal: Arc<Terminal>) -> Result<Watch> {
    let input = args.input.clone();
    let drawing = input.drawing().transpose()?.unwrap_or_default();
    let files: Vec<PathBuf> = drawing.then(input.chain()?).shader_files().into_iter().map(Path::to_owned).collect();
    Watch::begin(&files, move || match input.chain().and_then(|chain| Ok((chain, input.drawing().transpose()?))) {
        Ok((chain, drawing)) => {
            controls.set_filter(chain);
            drawing.into_iter().for_each(|drawing| controls.set_drawing(drawing));
        }
        Err(error) => terminal.print(format_args!("error: {error}")),
    })
}

/// Handles the keys. Pausing is only for live sources: a source that is not live would still be read during the pause.
fn follow(
    controls: &'static Controls,
    live: bool,
    mut next_still: impl FnMut() -> PathBuf + Send + 'static,
) -> impl FnMut(KeyCommand) + Send + 'static {
    move |command| match command {
        KeyCommand::Stop => drop(controls.stop()),
        KeyCommand::Pause if controls.is_paused() => controls.resume(),
        KeyCommand::Pause if live => controls.pause(),
        KeyCommand::Pause => {}
        KeyCommand::Mute => controls.set_muted(!controls.is_muted()),
        KeyCommand::Still => controls.request_still(next_still()),
    }
}

fn nothing_kept(error: Error) -> Box<Failure> {
    Box::new(Failure { error, report: Report::default() })
}

/// Handles Ctrl-C, SIGTERM and SIGHUP. During a recording, the first one stops the recording and the file is finished;
/// before that, or at the second one, the program exits at once.
struct Signals {
    controls: Controls,
    recording: AtomicBool,
}

fn listen_to_signals(traces: Vec<PathBuf>) -> Result<&'static Signals> {
    static SIGNALS: Signals = Signals { controls: Controls::new(), recording: AtomicBool::new(false) };
    let mut first: Option<Instant> = None;
    on_signal(move || {
        // Several signals at once count as one: `timeout` signals a program and then its whole process group.
        if SIGNALS.recording.load(Ordering::Relaxed)
            && first.get_or_insert_with(Instant::now).elapsed() < SIGNAL_DEBOUNCE
        {
            SIGNALS.controls.stop();
            return;
        }
        let asked_before = SIGNALS.controls.stop();
        if asked_before || !SIGNALS.recording.load(Ordering::Relaxed) {
            end_at_once(traces.iter().map(PathBuf::as_path));
        }
    })?;
    Ok(&SIGNALS)
}

impl RecordArgs {
    /// The same; several pictures are one source.
    fn with_all_pictures(&self) -> Result<Self> {
        let mut args = self.clone();
        let mut paths = std::mem::take(&mut args.pictures);
        if !paths.is_empty() {
            let SourceSpec::File(first) = &args.input.source else {
                let found = paths[0].display();
                let text =
                    format!("expected a picture before further pictures but found another source before {found}");
                return Err(Error::new(ErrorKind::Syntax, text));
            };
            paths.insert(0, first.clone());
            sort_as_meant(&mut paths);
            args.input.source = SourceSpec::Pictures(paths);
        }
        Ok(args)
    }

    /// The GPU and the sources. A film is opened at the same time as the GPU, because both take a while; a device or
    /// standard input after it, so that neither is opened where there is no GPU.
    fn open_gpu_and_media(&self) -> Result<(Gpu, Media)> {
        if !matches!(self.input.source, SourceSpec::File(_)) {
            return Ok((self.open_gpu()?, self.open_media()?));
        }
        thread::scope(|scope| {
            let gpu = thread::Builder::new().name("GPU".into()).spawn_scoped(scope, || self.open_gpu());
            let gpu =
                gpu.map_err(|error| Error::new(ErrorKind::Unknown, "could not start a thread").with_cause(error))?;
            let media = self.open_media();
            let gpu = gpu.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok((gpu, media?))
        })
    }

    /// The GPU, which takes the size that was asked for.
    fn open_gpu(&self) -> Result<Gpu> {
        let gpu = Gpu::new()?;
        self.input.size.map_or(Ok(()), |size| gpu.check_size(size))?;
        Ok(gpu)
    }

    /// Begins to collect what the stages do, into the file of `--trace` if there is one.
    fn begin_trace(&self, targets: &[Target]) -> Result<&'static Trace> {
        let Some(path) = &self.trace else { return Ok(Trace::begin(None)) };
        if targets.iter().any(|target| target.involves(path)) {
            let expected = format!("expected a --trace of its own but found {} twice", path.display());
            return Err(Error::new(ErrorKind::Syntax, expected));
        }
        Ok(Trace::begin(Some(create(path, self.force)?)))
    }

    /// A number of frames ends no sound.
    fn check_frames(&self) -> Result<()> {
        match self.frames {
            Some(frames) if self.containers().into_iter().any(Container::is_audio_only) => {
                let expected = format!("expected --duration beside an output of sound but found --frames {frames}");
                Err(Error::new(ErrorKind::Syntax, format!("{expected}: a number of frames ends no sound")))
            }
            _ => Ok(()),
        }
    }

    /// Checks that there is something to show, and a terminal to show it on.
    fn check_show(&self) -> Result<()> {
        if self.show.is_none() {
            return Ok(());
        }
        if self.visualize.is_none() && self.sound_alone().is_some() {
            let expected = "expected a recording with pictures to --show but found sound alone";
            let remedy = "leave out --show, or make pictures of the sound with --visualize";
            return Err(Error::new(ErrorKind::Syntax, expected).with_remedy(remedy));
        }
        check_terminal()
    }

    /// The container of each output, by its name.
    pub fn containers(&self) -> Vec<Container> {
        if self.output.is_empty() {
            return vec![Container::default()];
        }
        self.output.iter().map(|path| container_of(path).unwrap_or_default()).collect()
    }

    /// Whether no output holds pictures.
    pub(super) fn is_audio_only(&self) -> bool {
        self.containers().into_iter().all(Container::is_audio_only)
    }

    /// Whether no output holds sound.
    pub(super) fn is_silent(&self) -> bool {
        self.containers().into_iter().all(|container| container.audio_codecs().is_empty())
    }

    /// The recording of this, as it was asked for, and the destination of its first output.
    fn recording<'a, 'b>(
        &self,
        media: Media,
        filter: FilterChain,
        outputs: impl Iterator<Item = (&'b Target, Destination)>,
    ) -> Result<(Recording<'a>, Destination)> {
        // A live source is recorded until the user stops it.
        let needs_length = media.is_endless() && !media.is_live() && self.frames.is_none() && self.max_size.is_none();
        let (has_pictures, gif) = (media.video.is_some(), self.gif_options()?);
        let mut outputs = outputs.map(|(target, destination)| {
            let mime_type = self.encoder.mime_type(target.container(), has_pictures)?;
            let mut options = self.encoder.options().with_mime_type(&mime_type);
            options.frame_limit = if target.is_still() { Some(1) } else { self.frames };
            options.gif = gif.clone();
            options.loops = self.gif.loops();
            options.size_limit = self.max_size;
            options.alpha = self.keeps_alpha(target.container());
            options.depth = self.depth.unwrap_or(options.depth);
            Ok::<_, Error>((options, destination))
        });
        let Some((options, first)) = outputs.next().transpose()? else {
            return Err(Error::new(ErrorKind::Syntax, "expected an output but found none"));
        };
        let mut recording = recorder::record(media)
            .filter(filter)
            .size(self.input.size)
            .rate(self.fps)
            .motion_blur(self.motion_blur()?)
            .duration(self.duration.or(needs_length.then_some(ENDLESS)))
            .real_time(self.realtime)
            .overload(self.overload)
            .options(options);
        for output in outputs {
            let (options, destination) = output?;
            recording = recording.output(options, destination);
        }
        Ok((recording, first))
    }

    /// Whether the recording shows black where something is transparent, though no background was asked for.
    fn shows_black(&self, gpu: &Gpu, media: &Media, chain: &FilterChain) -> Result<bool> {
        let loses_alpha = |container: Container| !container.is_audio_only() && !self.keeps_alpha(container);
        let loses_alpha = self.containers().into_iter().any(loses_alpha);
        match media.video.as_deref().filter(|_| loses_alpha) {
            Some(video) => shows_black(gpu, video, chain, self.input.size),
            None => Ok(false),
        }
    }

    /// Whether a file of this container holds transparency: pictures always do if they can, WebM with `--alpha`.
    pub(super) fn keeps_alpha(&self, container: Container) -> bool {
        container.alpha_codecs().iter().any(|codec| codec.is_picture() || self.alpha)
    }

    fn motion_blur(&self) -> Result<Option<MotionBlur>> {
        let blur = self
            .motion_blur
            .map(|sub_frames| MotionBlur::new(sub_frames)?.with_shutter(self.shutter.unwrap_or(MotionBlur::OPEN)));
        blur.transpose()
    }

    /// The same failure; that of a size too small for anything says so.
    fn explained(&self, failure: Box<Failure>) -> Box<Failure> {
        match self.max_size {
            Some(size) if failure.report.frames_encoded == 0 && failure.report.dropped.ended > 0 => {
                let context = format!("expected a --max-size that holds at least one frame but found {size} bytes");
                Box::new(Failure { error: Error::new(ErrorKind::Range, context), ..*failure })
            }
            _ => failure,
        }
    }
}
