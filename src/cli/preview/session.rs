//! What the keys do: the player, the chain, recordings, stills and replays. It runs on a thread of its own, so that
//! neither the window nor the picture waits while a film is opened or a file is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use framereel::filter::{Custom, Kind};
use framereel::mux::Container;
use framereel::recorder::FileSink;
use framereel::source::player::{Player, PlayerEvent};
use framereel::stream::Listener;
use framereel::{Error, ErrorKind, FilterChain, Gpu, MediaRecorderOptions, MediaStream, Result, SourceSpec, Span};

use super::chain::ChainEditor;
use super::current_player::CurrentPlayer;
use super::gif_replay;
use super::instant_replay::InstantReplay;
use super::opening::{Opening, open};
use super::recording::ActiveRecording;
use super::stills::StillSaves;
use super::thumbnails::Thumbnails;
use super::view::{RendererMessage, View};
use crate::cli::args::PreviewArgs;
use crate::cli::target::{Numbered, not_created};
use crate::cli::values;
use crate::cli::watch::Watch;
use crate::cli::{output_in, print, say};

/// How often the figures are brought up to date.
const TICK: Duration = Duration::from_millis(50);
/// How long a file may take to be finished when the window is closed.
const FINISH_TIMEOUT: Duration = Duration::from_secs(20);
/// Digits in the number of a file.
const DIGITS: usize = 3;

/// What a key, the mouse or the system asks for.
#[derive(Debug)]
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
    Gif,
    Play,
    /// Seeks to this part of the film, from 0 to 1.
    Seek(f64),
    /// A file was dropped on the window.
    Open(PathBuf),
    /// A source was opened on a thread of its own.
    Opened(SourceSpec, Result<Arc<Player>>),
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
    /// The chain before the last change, which the GPU has accepted.
    accepted: FilterChain,
    recording: Option<ActiveRecording>,
    replay: InstantReplay,
    stills: StillSaves,
    clipboard: Option<arboard::Clipboard>,
    watch: Option<Watch>,
    /// The first failure of a recording.
    failure: Option<Error>,
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
            accepted: FilterChain::default(),
            recording: None,
            replay: InstantReplay::new(args.replay),
            stills: StillSaves::default(),
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
            if self.follow_recording() {
                self.start_replay();
            }
            for still in self.stills.finished() {
                self.tell_saved(still);
            }
            self.update();
        }
        self.current.close();
        self.replay.end();
        self.finish_recording();
        for still in std::mem::take(&mut self.stills).wait() {
            self.tell_saved(still);
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
            WindowCommand::Gif => self.save_gif(),
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
            WindowCommand::Opened(source, Ok(player)) => self.change_source(source, player),
            WindowCommand::Opened(_, Err(error)) => self.report(error),
            WindowCommand::Reload => self.reload(),
            WindowCommand::Quit => {}
        }
    }

    /// Changes the chain, and applies it.
    fn edit(&mut self, change: impl FnOnce(&mut ChainEditor)) {
        let before = self.editor.chain().clone();
        change(&mut self.editor);
        let chain = self.editor.chain();
        if *chain == before {
            return;
        }
        // A chain that is too long for `--filter` could not be used again.
        let (filters, files) = (chain.filters().len(), chain.files().len());
        if filters > FilterChain::MAX_FILTERS || files > FilterChain::MAX_FILES {
            let (most, most_files) = (FilterChain::MAX_FILTERS, FilterChain::MAX_FILES);
            let expected = format!("expected at most {most} filters, {most_files} of them with files");
            self.editor.replace(before);
            let error = format!("{expected}, but found {filters} and {files}; drop one with d");
            return self.report(Error::new(ErrorKind::Range, error));
        }
        self.accepted = before;
        self.player.set_filter(self.editor.chain());
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
            self.replay.take_over(recording);
            recording.stop();
            return;
        }
        // One encoder at a time: the recording keeps the last seconds itself.
        self.replay.pause();
        let mut options = self.recorder_options();
        options.replay = self.replay.length();
        let path = self.next_file("", "webm");
        match path.and_then(|path| ActiveRecording::begin(&self.stream, options, path)) {
            Ok(recording) => self.recording = Some(recording),
            Err(error) => {
                self.report(error);
                self.start_replay();
            }
        }
    }

    fn recorder_options(&self) -> MediaRecorderOptions {
        // A codec that WebM cannot hold was refused at the start.
        let mime_type = self.args.encoder.mime_type(Container::Webm, true).unwrap_or_default();
        let mut options = self.args.encoder.options().with_mime_type(&mime_type);
        options.frame_rate = self.player.frame_rate();
        options
    }

    fn pause(&mut self) {
        if let Some(recording) = &mut self.recording {
            recording.toggle_pause();
        }
    }

    /// Follows the recording; returns whether one has ended, which is told.
    fn follow_recording(&mut self) -> bool {
        let Some(recording) = &self.recording else { return false };
        let over = recording.is_over();
        for error in recording.errors() {
            self.report(error.clone());
            self.failure.get_or_insert(error);
        }
        if over && let Some(recording) = self.recording.take() {
            self.tell(recording.summary());
        }
        over
    }

    /// Stops the recording, and waits for its file.
    fn finish_recording(&mut self) {
        let Some(recording) = &self.recording else { return };
        recording.stop();
        let until = Instant::now() + FINISH_TIMEOUT;
        while !self.follow_recording() {
            if Instant::now() > until {
                let Some(recording) = self.recording.take() else { return };
                let text = format!("the recording could not be finished within {FINISH_TIMEOUT:?}");
                let error = Error::new(ErrorKind::Write, text).at(recording.path().display());
                self.report(error.clone());
                self.failure.get_or_insert(error);
                return;
            }
            thread::sleep(TICK / 5);
        }
    }

    fn start_replay(&mut self) {
        if self.recording.is_none()
            && let Err(error) = self.replay.start(&self.stream, self.recorder_options())
        {
            self.report(error);
        }
    }

    fn save_replay(&mut self) {
        let saved = self.replay.save(self.recording.as_ref()).and_then(|blob| {
            let path = self.next_file("-replay", "webm")?;
            blob.save(&path).map(|()| path)
        });
        self.tell_saved(saved);
    }

    /// Begins to save the replay's last seconds as a GIF.
    fn save_gif(&mut self) {
        let begun = self.replay.save(self.recording.as_ref()).and_then(|replay| {
            // The file is made at once, so that the next GIF has another name.
            let file = FileSink::create_new(self.next_file("-replay", "gif")?)?;
            self.view.say(format!("making {}", file.path().display()));
            self.stills.begin("gif", move || gif_replay::save(&replay, file))
        });
        if let Err(error) = begun {
            self.report(error);
        }
    }

    /// Saves the frame that is shown.
    fn save_still(&mut self) {
        let Some(frame) = self.player.current_frame() else { return };
        let chain = self.player.drawn_by().then(self.editor.chain().clone());
        // The file is made at once, so that the next picture has another name.
        let file = self.next_file("-still", "png").and_then(FileSink::create_new);
        if let Err(error) = file.and_then(|file| self.stills.save(frame, chain, self.player.size(), file)) {
            self.report(error);
        }
    }

    fn tell_saved(&self, path: Result<PathBuf>) {
        match path {
            Ok(path) => self.tell(format!("saved {}", path.display())),
            Err(error) => self.report(error),
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
                    self.report(error.with_remedy("space tries again"));
                    self.capture_again();
                }
                PlayerEvent::SoundError(error) => {
                    self.report(error);
                    self.start_replay();
                }
                _ => {}
            }
        }
        let refused = self.player.refused();
        if !refused.is_empty() {
            self.editor.replace(self.accepted.clone());
            self.player.set_filter(self.editor.chain());
        }
        refused.into_iter().for_each(|error| self.report(error));
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
            "wgsl" => Custom::load(path).and_then(|custom| match custom.kind() {
                Kind::Image => self.open_source(SourceSpec::Shader(path.to_owned())),
                _ => {
                    self.join(name, FilterChain::shader(custom));
                    Ok(())
                }
            }),
            "cube" => values::chain(&format!("lut(\"{}\")", path.display())).map(|table| self.join(name, table)),
            _ => self.open_source(SourceSpec::File(path.to_owned())),
        };
        if let Err(error) = opened {
            self.report(error);
        }
    }

    /// Opens a source on a thread of its own: a slow disk must not keep the keys waiting.
    fn open_source(&self, source: SourceSpec) -> Result<()> {
        let (gpu, args, commands) = (self.gpu.clone(), self.args.clone(), self.commands.clone());
        let open = move || {
            let player = open(&gpu, &args, &source, None).map(Arc::new);
            // The session may have ended.
            let _ = commands.send(WindowCommand::Opened(source, player));
        };
        let thread = thread::Builder::new().name("open".into()).spawn(open);
        let no_thread = |error| Error::new(ErrorKind::Unknown, "no thread to open the file").with_cause(error);
        thread.map(drop).map_err(no_thread)
    }

    /// Adds a filter to the strip and to the chain.
    fn join(&mut self, name: String, filter: FilterChain) {
        self.edit(|editor| editor.add_choice(name, filter));
        let choices = self.editor.choices();
        self.thumbnails.set_choices(choices);
        let names: Vec<_> = choices.iter().map(|choice| choice.label.clone()).collect();
        self.view.change(|state| state.choices = Arc::new(names));
        self.watch_files();
    }

    /// Plays another source. A recording of the old one is finished.
    fn change_source(&mut self, source: SourceSpec, player: Arc<Player>) {
        let stream = match player.capture_stream() {
            Ok(stream) => stream,
            Err(error) => return self.report(error),
        };
        player.set_filter(self.editor.chain());
        self.finish_recording();
        self.replay.end();
        (self.events, self.stream) = (player.events(), stream);
        (self.player, self.source) = (player, source);
        self.view.change(|state| state.ended = false);
        self.begin(true);
    }

    /// Watches the files of the chain, of the strip, and of a source that is a shader.
    fn watch_files(&mut self) {
        let mut files = self.editor.files();
        files.extend(self.player.drawn_by().files());
        self.watch = None;
        if !files.is_empty() {
            let commands = parking_lot::Mutex::new(self.commands.clone());
            match Watch::begin(&files, move || drop(commands.lock().send(WindowCommand::Reload))) {
                Ok(watch) => self.watch = Some(watch),
                Err(error) => self.report(error),
            }
        }
    }

    /// Reads the shaders and tables again; a broken one is reported, and the old one stays.
    fn reload(&mut self) {
        let drawn_by = self.player.drawn_by().reloaded();
        match drawn_by.and_then(|drawn_by| self.editor.reload().map(|()| drawn_by)) {
            Ok(drawn_by) => {
                self.player.set_drawn_by(&drawn_by);
                self.player.set_filter(self.editor.chain());
                self.thumbnails.set_choices(self.editor.choices());
            }
            Err(error) => self.report(error),
        }
    }

    /// The next file of this kind that is not there yet, such as `NAME-still-001.png`; its folder is made if need be.
    fn next_file(&self, kind: &str, extension: &str) -> Result<PathBuf> {
        let folder = self.args.output.as_deref().unwrap_or(Path::new(""));
        if folder != Path::new("") && !folder.exists() {
            fs::create_dir(folder).map_err(|error| not_created(folder, error))?;
        }
        let path = output_in(folder, &self.source, extension);
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("{kind}.{extension}"));
        Ok(Numbered::beside(&path.with_file_name(name), DIGITS).next_free())
    }

    /// Shows the source's name, size and rate in the window's title.
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
        (self.set_title)(format!("{name}  {}{rate}  framereel", self.player.size()));
    }

    /// Brings the view up to date.
    fn update(&mut self) {
        let recording = self.recording.as_mut().map(ActiveRecording::view);
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
