//! `--watch`: reads the shaders' files again when they change, and passes the new filter chain to the recording.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use framereel::recorder::Controls;
use framereel::{Error, ErrorKind, Result};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::args::{InputArgs, RecordArgs};
use super::say;

/// A file is read after this time without changes.
const QUIET: Duration = Duration::from_millis(100);

/// Watches until it is dropped.
pub struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch the files of these arguments' filter chain. A file that cannot be parsed is reported on standard
    /// error, and the recording continues with the previous chain.
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
                // An editor writes in several steps: read the file after the last one.
                while changes.recv_timeout(QUIET).is_ok() {}
                read(&input, controls);
            }
        });
        // Watch folders, because editors replace the old file by a new one.
        let mut folders: Vec<_> = files.iter().map(|file| folder(file)).collect();
        folders.sort();
        folders.dedup();
        for folder in folders {
            watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(failed)?;
        }
        Ok(Self { _watcher: watcher })
    }
}

/// Reads the chain again and passes it on.
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
