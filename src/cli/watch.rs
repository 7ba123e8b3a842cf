//! Watches the shaders' files, so that they are read again when they change.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use framereel::{Error, ErrorKind, Result};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// A file is read after this time without changes.
const QUIET: Duration = Duration::from_millis(100);

/// Watches until it is dropped.
pub struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch these files; `on_change` is called on a new thread after they have changed.
    ///
    /// # Errors
    /// A syntax error when there is no file; `UnknownError` when they cannot be watched.
    pub fn begin(files: &[PathBuf], on_change: impl Fn() + Send + 'static) -> Result<Self> {
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
                on_change();
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

fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
