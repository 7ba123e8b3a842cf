//! `--watch`: reads the shaders' files again when they change, and hands the new chain to the recording.

use std::path::{Path, PathBuf};

use framereel::recorder::Controls;
use framereel::{Error, ErrorKind, Result};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::args::RecordArgs;
use super::say;

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
            Error::new(ErrorKind::Unknown, "the shaders' files could not be watched").with_source(error)
        };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            let ours =
                event.paths.iter().any(|path| path.file_name().is_some_and(|name| names.iter().any(|n| n == name)));
            if !ours || event.kind.is_access() || event.kind.is_remove() {
                return;
            }
            let read = input.chain().and_then(|chain| Ok((chain, input.drawing().transpose()?)));
            match read {
                Ok((chain, drawing)) => {
                    controls.set_filter(chain);
                    drawing.into_iter().for_each(|drawing| controls.set_drawing(drawing));
                }
                // An editor that writes a new file in the old one's place leaves none for a moment.
                Err(error) if *error.kind() == ErrorKind::NotFound => {}
                Err(error) => say(&error),
            }
        })
        .map_err(failed)?;
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

fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
