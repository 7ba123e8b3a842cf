//! What the keys do: the player, the chain, recordings, stills and replays. It runs on a thread of its own, so that
//! neither the window nor the picture waits while a film is opened or a file is written.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use framereel::filter::{Custom, FileAccess, Kind};
use framereel::recorder::{FileSink, MediaRecorder, Replay, Report, RunningReplay};
use framereel::source::player::{Player, PlayerEvent, PlayerOptions, PlayerSound};
use framereel::still::{self, StillFormat};
use framereel::stream::Listener;
use framereel::{Error, ErrorKind, Event, FilterChain, Gpu, MediaStream, Result, SourceOptions, SourceSpec, Span};

use super::chain::ChainEditor;
use super::compare;
use super::current_player::CurrentPlayer;
use super::thumbnails::Thumbnails;
use super::view::{RecordingView, RendererMessage, View};
use crate::cli::args::PreviewArgs;
use crate::cli::progress::{Meter, megabytes};
use crate::cli::target::Numbered;
use crate::cli::values::{AudioChoice, chain};
use crate::cli::watch::Watch;
use crate::cli::{output_in, print, say};

/// How often the figures are brought up to date.
const TICK: Duration = Duration::from_millis(50);
/// How long a file may take to be finished when the window is closed.
const FINISH_TIMEOUT: Duration = Duration::from_secs(20);
/// Digits in the number of a file.
const DIGITS: usize = 3;

/// What a key, the mouse or the system asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum WindowCommand {
    Select(usize),
    Step(i64),
    Adjust(f32),
    NextNumber,
    Keep,
    Drop,
    Copy,
    Record,
    Pause,
    Still,
    Replay,
    Play,
    /// Seeks to this part of the film, from 0 to 1.
    Seek(f64),
    /// A file was dropped on the window.
    Open(PathBuf),
    /// A shader's file has changed.
    Reload,
    Quit,
}

/// A window's session.
pub struct PreviewSession {
    args: PreviewArgs,
    source: SourceSpec,
    gpu: Gpu,
    view: View,
    current: CurrentPlayer,
    thumbnails: Thumbnails,
    commands: Sender<WindowCommand>,
    /// Sets the window's title.
    set_title: Box<dyn Fn(String) + Send>,
    editor: ChainEditor,
    player: Arc<Player>,
    events: Listener<PlayerEvent>,
    stream: MediaStream,
    recording: Option<ActiveRecording>,
    replay: Option<RunningReplay>,
    stills: Vec<JoinHandle<Result<PathBuf>>>,
    clipboard: Option<arboard::Clipboard>,
    watch: Option<Watch>,
    /// The first failure of a recording.
    failure: Option<Error>,
}

struct ActiveRecording {
    recorder: MediaRecorder,
    path: PathBuf,
    paused: bool,
    began: Instant,
    meter: Meter,
}

/// What a session begins with.
pub struct Opening {
    pub gpu: Gpu,
    pub player: Arc<Player>,
    pub editor: ChainEditor,
}

impl Opening {
    /// Opens the source of these arguments.
    ///
    /// # Errors
    /// Those of the source, the sound, and the chain.
    pub fn of(args: &PreviewArgs) -> Result<Self> {
        let editor = ChainEditor::new(args.input.chain()?);
        let gpu = Gpu::new()?;
        let player = Arc::new(open(&gpu, args, &args.input.source, args.start)?);
        player.set_filter(editor.chain());
        Ok(Self { gpu, player, editor })
    }
}

/// Opens a source as these arguments say.
fn open(gpu: &Gpu, args: &PreviewArgs, source: &SourceSpec, start: Option<Span>) -> Result<Player> {
    let mut options = SourceOptions::default();
    if *source == args.input.source {
        options = options.with_params(args.input.source_params());
    }
    (options.start, options.size, options.rate) = (start, args.input.size, args.fps);
    let sound = match &args.audio {
        None => PlayerSound::Own,
        Some(AudioChoice::None) => PlayerSound::None,
        Some(AudioChoice::Other(spec)) => PlayerSound::Other(spec.clone()),
    };
    Player::open_with(gpu, source, PlayerOptions::default().with_source(options).with_sound(sound))
}

impl PreviewSession {
    /// A session that plays what was opened.
    ///
    /// # Errors
    /// When the player's GPU has failed.
    pub fn new(
        args: &PreviewArgs,
        opening: Opening,
        view: View,
        current: CurrentPlayer,
        thumbnails: Thumbnails,
        commands: Sender<WindowCommand>,
        set_title: impl Fn(String) + Send + 'static,
    ) -> Result<Self> {
        let Opening { gpu, player, editor } = opening;
        let events = player.events();
        let stream = player.capture_stream()?;
        let mut session = Self {
            args: args.clone(),
            source: args.input.source.clone(),
            gpu,
            view,
            current,
            thumbnails,
            commands,
            set_title: Box::new(set_title),
            editor,
            player,
            events,
            stream,
            recording: None,
            replay: None,
            stills: Vec::new(),
            clipboard: None,
            watch: None,
            failure: None,
        };
        session.thumbnails.set_choices(session.editor.choices());
        session.begin(!args.paused);
        Ok(session)
    }

    /// Shows the present player, and plays it.
    fn begin(&mut self, playing: bool) {
        self.current.set_player(self.player.clone());
        self.watch_files();
        self.show_source();
        self.attach();
        if playing {
            self.player.play();
        }
    }

    /// Shows the present stream, and keeps its last seconds.
    fn attach(&mut self) {
        self.view.send(RendererMessage::Stream(self.stream.handle()));
        self.start_replay();
    }

    /// Runs until it is told to quit: recordings are finished then.
    ///
    /// # Errors
    /// The first failure of a recording.
    pub fn run(mut self, commands: &Receiver<WindowCommand>) -> Result<()> {
        loop {
            match commands.recv_timeout(TICK) {
                Ok(WindowCommand::Quit) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.follow_player();
            self.follow_recording();
            self.follow_stills();
            self.update();
        }
        self.current.close();
        self.replay = None;
        self.finish_recording();
        for still in std::mem::take(&mut self.stills) {
            self.tell_still(still);
        }
        self.failure.map_or(Ok(()), Err)
    }

    fn obey(&mut self, command: WindowCommand) {
        match command {
            WindowCommand::Select(index) => self.edit(|editor| editor.select(index)),
            WindowCommand::Step(by) => self.edit(|editor| editor.step(by)),
            WindowCommand::Adjust(steps) => self.edit(|editor| editor.adjust(steps)),
            WindowCommand::NextNumber => self.edit(ChainEditor::next_number),
            WindowCommand::Keep => self.edit(ChainEditor::keep),
            WindowCommand::Drop => self.edit(ChainEditor::drop_last),
            WindowCommand::Copy => self.copy(),
            WindowCommand::Record => self.record(),
            WindowCommand::Pause => self.pause(),
            WindowCommand::Still => self.save_still(),
            WindowCommand::Replay => self.save_replay(),
            WindowCommand::Play if self.player.paused() => self.player.play(),
            WindowCommand::Play => self.player.pause(),
            WindowCommand::Seek(part) => {
                if let Some(length) = self.player.duration() {
                    let nanos = length.as_nanos() as f64 * part.clamp(0.0, 1.0);
                    self.player.seek(Span::from_nanos(nanos as i64));
                    self.view.change(|state| state.ended = false);
                }
            }
            WindowCommand::Open(path) => self.open_dropped(&path),
            WindowCommand::Reload => self.reload(),
            WindowCommand::Quit => {}
        }
    }

    /// Changes the chain, and applies it.
    fn edit(&mut self, change: impl FnOnce(&mut ChainEditor)) {
        let before = self.editor.chain().clone();
        change(&mut self.editor);
        if *self.editor.chain() != before {
            self.player.set_filter(self.editor.chain());
        }
    }

    fn copy(&mut self) {
        let text = self.editor.chain().to_string();
        if self.clipboard.is_none() {
            self.clipboard = arboard::Clipboard::new().ok();
        }
        let copied = self.clipboard.as_mut().map(|clipboard| clipboard.set_text(text.clone()));
        match copied {
            Some(Ok(())) => self.view.say(format!("copied: {text}")),
            // Without a clipboard, the terminal has the text.
            _ => {
                self.view.say(format!("no clipboard here; printed: {text}"));
                let _ = print(&text);
            }
        }
    }

    fn record(&mut self) {
        if let Some(recording) = &self.recording {
            recording.recorder.stop();
            return;
        }
        // One encoder at a time: the recording keeps the last seconds itself.
        self.replay = None;
        match self.begin_recording() {
            Ok(recording) => self.recording = Some(recording),
            Err(error) => {
                self.report(error);
                self.start_replay();
            }
        }
    }

    fn begin_recording(&self) -> Result<ActiveRecording> {
        let mut options = self.args.encoder.options();
        options.replay = Some(self.args.replay).filter(|length| *length > Span::ZERO);
        options.frame_rate = self.player.frame_rate();
        let recorder = MediaRecorder::new(&self.stream, options)?;
        let path = self.files("", "webm").next_free();
        recorder.start_to(FileSink::create_new(&path)?)?;
        Ok(ActiveRecording { recorder, path, paused: false, began: Instant::now(), meter: Meter::default() })
    }

    fn pause(&mut self) {
        let Some(recording) = &mut self.recording else { return };
        let done = if recording.paused { recording.recorder.resume() } else { recording.recorder.pause() };
        if done.is_ok() {
            recording.paused = !recording.paused;
        }
    }

    /// Follows the recorder's events; a recording that has ended is reported.
    fn follow_recording(&mut self) {
        let Some(recording) = &self.recording else { return };
        let events = recording.recorder.events();
        let mut failed = None;
        while let Some(event) = events.next_within(Span::ZERO) {
            if let Event::Error(error) = event {
                failed = Some(error);
            }
        }
        let over = events.is_over();
        if let Some(error) = failed {
            self.report(error.clone());
            self.failure.get_or_insert(error);
        }
        if over && let Some(recording) = self.recording.take() {
            self.tell_recorded(&recording);
            self.start_replay();
        }
    }

    /// Stops the recording, and waits for its file.
    fn finish_recording(&mut self) {
        if let Some(recording) = &self.recording {
            recording.recorder.stop();
        }
        let until = Instant::now() + FINISH_TIMEOUT;
        while self.recording.is_some() && Instant::now() < until {
            self.follow_recording();
            thread::sleep(TICK / 5);
        }
        self.replay = None;
    }

    fn tell_recorded(&self, recording: &ActiveRecording) {
        let report: Report = recording.recorder.report();
        let path = recording.path.display();
        if report.frames_encoded == 0 {
            return self.tell(format!("nothing recorded: {path} has no frame"));
        }
        let Report { duration_s, bytes, frames_encoded, frames_dropped, .. } = report;
        let dropped = frames_dropped - report.dropped.paused;
        let size = megabytes(bytes);
        self.tell(format!("saved {path}: {duration_s:.1} s, {frames_encoded} frames, {dropped} dropped, {size}"));
    }

    fn start_replay(&mut self) {
        self.replay = None;
        if self.args.replay > Span::ZERO && self.recording.is_none() {
            let replay = Replay::new(self.args.replay).with_options(self.args.encoder.options());
            // A stream that has ended has no replay; saving one says so.
            self.replay = replay.start(&self.stream).ok();
        }
    }

    fn save_replay(&mut self) {
        let saved = match (&self.recording, &self.replay) {
            (Some(recording), _) => recording.recorder.save_replay(),
            (None, Some(replay)) => replay.save(),
            (None, None) => {
                let expected = "expected a replay to save but none is kept; --replay says how long it is";
                Err(Error::new(ErrorKind::InvalidState, expected))
            }
        };
        let path = self.files("-replay", "webm").next_free();
        match saved.and_then(|blob| blob.save(&path)) {
            Ok(()) => self.tell(format!("saved {}", path.display())),
            Err(error) => self.report(error),
        }
    }

    /// Draws and saves the frame that is shown, on a thread and a device of its own.
    fn save_still(&mut self) {
        let Some(frame) = self.player.current_frame() else { return };
        let chain = self.player.drawn_by().then(self.editor.chain().clone());
        let (size, path) = (self.player.size(), self.files("-still", "png").next_free());
        // The name is taken at once, so that the next still has another one.
        let save = move || -> Result<PathBuf> {
            let mut file = FileSink::create_new(&path)?;
            let picture = compare::still(frame, &chain, size)?;
            let bytes = still::encode(&picture, StillFormat::Png, None)?;
            let written = file.write_all(&bytes).and_then(|()| file.flush());
            let failed =
                |cause| Error::new(ErrorKind::Write, "could not be written").at(path.display()).with_cause(cause);
            written.map_err(failed)?;
            Ok(path)
        };
        match thread::Builder::new().name("still".into()).spawn(save) {
            Ok(still) => self.stills.push(still),
            Err(error) => self.report(Error::new(ErrorKind::Unknown, "no thread for the still").with_cause(error)),
        }
    }

    fn follow_stills(&mut self) {
        let (done, drawing) = std::mem::take(&mut self.stills).into_iter().partition(|still| still.is_finished());
        self.stills = drawing;
        let done: Vec<_> = done;
        done.into_iter().for_each(|still| self.tell_still(still));
    }

    fn tell_still(&self, still: JoinHandle<Result<PathBuf>>) {
        match still.join() {
            Ok(Ok(path)) => self.tell(format!("saved {}", path.display())),
            Ok(Err(error)) => self.report(error),
            Err(_) => self.report(Error::new(ErrorKind::Unknown, "a still broke off: this is a fault in framereel")),
        }
    }

    fn follow_player(&mut self) {
        while let Some(event) = self.events.try_next() {
            match event {
                PlayerEvent::Ended => {
                    self.view.change(|state| state.ended = true);
                    self.capture_again();
                }
                PlayerEvent::Playing | PlayerEvent::Seeked => self.view.change(|state| state.ended = false),
                PlayerEvent::Error(error) => {
                    self.report(error.with_remedy("drop another file on the window, or seek"));
                    self.capture_again();
                }
                _ => {}
            }
        }
        for error in self.player.refused() {
            self.report(error);
        }
    }

    /// The tracks have ended with the film: shows the last frame, and what follows a seek, by new ones.
    fn capture_again(&mut self) {
        self.follow_recording();
        match self.player.capture_stream() {
            Ok(stream) => {
                self.stream = stream;
                self.attach();
            }
            Err(error) => self.report(error),
        }
    }

    /// A file that was dropped on the window: a filter, a table, a shader that draws, or else a film.
    fn open_dropped(&mut self, path: &Path) {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let opened = match extension.as_str() {
            "wgsl" => Custom::load(path).and_then(|custom| {
                if custom.kind() == Kind::Image {
                    return self.change_source(SourceSpec::Shader(path.to_owned()));
                }
                self.join(name, FilterChain::shader(custom));
                Ok(())
            }),
            "cube" => chain(&format!("lut(\"{}\")", path.display())).map(|table| self.join(name, table)),
            _ => self.change_source(SourceSpec::File(path.to_owned())),
        };
        if let Err(error) = opened {
            self.report(error);
        }
    }

    /// Adds a filter to the strip and to the chain.
    fn join(&mut self, name: String, filter: FilterChain) {
        self.editor.add_choice(name, filter);
        self.player.set_filter(self.editor.chain());
        let choices = self.editor.choices();
        self.thumbnails.set_choices(choices);
        let names: Vec<_> = choices.iter().map(|choice| choice.label.clone()).collect();
        self.view.change(|state| state.choices = Arc::new(names));
        self.watch_files();
    }

    /// Plays another source. A recording of the old one is finished.
    fn change_source(&mut self, source: SourceSpec) -> Result<()> {
        let player = Arc::new(open(&self.gpu, &self.args, &source, None)?);
        player.set_filter(self.editor.chain());
        self.finish_recording();
        (self.events, self.stream) = (player.events(), player.capture_stream()?);
        (self.player, self.source) = (player, source);
        self.view.change(|state| state.ended = false);
        self.begin(true);
        Ok(())
    }

    /// Watches the files of the chain and of a source that is a shader.
    fn watch_files(&mut self) {
        let chain = self.player.drawn_by().then(self.editor.chain().clone());
        let files: Vec<PathBuf> = chain.shader_files().into_iter().map(Path::to_owned).collect();
        self.watch = None;
        if !files.is_empty() {
            let commands = parking_lot::Mutex::new(self.commands.clone());
            let watch = Watch::begin(&files, move || drop(commands.lock().send(WindowCommand::Reload)));
            match watch {
                Ok(watch) => self.watch = Some(watch),
                Err(error) => self.report(error),
            }
        }
    }

    /// Reads the shaders' files again; a broken one is reported, and the old one stays.
    fn reload(&mut self) {
        let read = || -> Result<(FilterChain, FilterChain)> {
            let access = FileAccess::Any;
            Ok((self.player.drawn_by().reloaded(&access)?, self.editor.chain().reloaded(&access)?))
        };
        match read() {
            Ok((drawn_by, chain)) => {
                self.editor.replace(chain);
                self.player.set_drawn_by(&drawn_by);
                self.player.set_filter(self.editor.chain());
            }
            Err(error) => self.report(error),
        }
    }

    /// The names of files of this kind: `NAME-still-001.png` and so on.
    fn files(&self, kind: &str, extension: &str) -> Numbered {
        let folder = self.args.output.as_deref().unwrap_or(Path::new(""));
        let path = output_in(folder, &self.source, extension);
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(kind);
        Numbered::beside(&path.with_file_name(name).with_extension(extension), DIGITS)
    }

    /// Shows the source's name, size and rate, in the title too.
    fn show_source(&self) {
        let name = match &self.source {
            SourceSpec::File(path) | SourceSpec::Shader(path) => {
                path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
            }
            SourceSpec::Camera(name) if !name.is_empty() => name.clone(),
            other => output_in(Path::new(""), other, "").display().to_string().trim_end_matches('.').to_owned(),
        };
        let rate = self.player.frame_rate().map(|rate| format!(" at {:.4}", rate.as_f64()));
        let rate = rate.map(|rate| rate.trim_end_matches('0').trim_end_matches('.').to_owned()).unwrap_or_default();
        let source = format!("{name}  {}{rate}", self.player.size());
        (self.set_title)(format!("{source}  framereel"));
        self.view.change(|state| state.source = source);
    }

    /// Brings the view up to date.
    fn update(&mut self) {
        let recording = self.recording.as_mut().map(|recording| {
            let progress = recording.recorder.progress();
            let level = progress.level.map(|level| recording.meter.follow(level, recording.began.elapsed()).round());
            RecordingView {
                tenths: (progress.recorded.as_nanos().max(0) / 100_000_000) as u64,
                bytes: progress.bytes,
                dropped: progress.dropped,
                level,
                paused: recording.paused,
            }
        });
        let position = self.player.duration().filter(|length| *length > Span::ZERO);
        let position = position.map(|length| (self.player.current_time(), length));
        let stopped = self.player.paused();
        let (chain, number, selected) = (self.editor.chain().to_string(), self.editor.number(), self.editor.selected());
        self.view.change(|state| {
            (state.recording, state.position, state.stopped) = (recording, position, stopped);
            (state.chain, state.number, state.selected) = (chain, number, selected);
        });
    }

    /// Says it in the window, and on standard output for whoever started the program.
    fn tell(&self, message: String) {
        // A closed standard output is no reason to stop.
        let _ = print(&message);
        self.view.say(message);
    }

    /// Shows an error in the window, and on standard error.
    fn report(&self, error: Error) {
        say(&error);
        self.view.say(format!("error: {}", error.to_string().lines().next().unwrap_or_default()));
    }
}
