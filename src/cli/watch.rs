//! `--watch`: reads the shaders' files again when they change, and hands the new chain to the recording.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use framereel::recorder::Controls;
use framereel::{Error, ErrorKind, Result};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::args::{InputArgs, RecordArgs};
use super::say;

/// A file is read when nothing has happened to it for so long.
const QUIET: Duration = Duration::from_millis(100);

/// Watches while it lives.
pub struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch the files that the chain of these arguments was read from. An edit that does not read is told on
    /// standard error, and the recording goes on as it was.
    pub fn begin(args: &RecordArgs, controls: &'static Controls) -> Result<Self> {
        let input = args.input.clone();
        let drawing = input.drawing().transpose()?.unwrap_or_default();
        let files: Vec<PathBuf> = drawing.then(input.chain()?).shader_files().into_iter().map(Path::to_owned).collect();
        if files.is_empty() {
            return Err(Error::new(
                ErrorKind::Syntax,
                "expected a shader to watch but found none; give one with --shader",
            ));
        }
        let names: Vec<_> = files.iter().filter_map(|file| Some(file.file_name()?.to_owned())).collect();
        let failed = |error: notify::Error| {
            Error::new(ErrorKind::Unknown, "the shaders' files could not be watched").with_cause(error)
        };
        let (changed, changes) = channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            let ours = |path: &PathBuf| path.file_name().is_some_and(|name| names.iter().any(|own| own == name));
            if event.paths.iter().any(ours) && !event.kind.is_access() {
                // The receiver is gone once the watch has ended.
                let _ = changed.send(());
            }
        })
        .map_err(failed)?;
        // The thread ends with the watcher, which holds the channel's other end.
        thread::spawn(move || {
            while changes.recv().is_ok() {
                // An editor writes in several steps: the file is read when they are over.
                while changes.recv_timeout(QUIET).is_ok() {}
                read(&input, controls);
            }
        });
        // Folders, for editors put a new file in the old one's place.
        let mut folders: Vec<_> = files.iter().map(|file| folder(file)).collect();
        folders.sort();
        folders.dedup();
        for folder in folders {
            watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(failed)?;
        }
        Ok(Self { _watcher: watcher })
    }
}

/// Reads the chain anew and hands it on.
fn read(input: &InputArgs, controls: &Controls) {
    match input.chain().and_then(|chain| Ok((chain, input.drawing().transpose()?))) {
        Ok((chain, drawing)) => {
            controls.set_filter(chain);
            drawing.into_iter().for_each(|drawing| controls.set_drawing(drawing));
        }
        Err(error) => say(&error),
    }
}

fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
