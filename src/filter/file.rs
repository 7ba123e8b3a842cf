//! Which files a chain may open, and how they are read.
//!
//! A chain may be untrusted: from a web form, a preset or a message. Opening the files that it names could block the
//! program (a pipe), read a secret and show a line of it in an error message, or operate a device. So a chain opens no
//! files unless the program permits them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// Which files a chain may open: `.cube` tables for `lut()` and WGSL for `shader()`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileAccess {
    /// None. This is what `"…".parse::<FilterChain>()` does.
    #[default]
    None,
    /// Files in this folder and in the folders within it. A relative path begins there. A path that leads out of the
    /// folder, by `..` or by a link, is refused. A program that can write to the folder decides the content of its
    /// files, and may replace a file by a link while it is being opened.
    Folder(PathBuf),
    /// Every regular file that the program can read. A relative path begins in the current folder. Error messages show
    /// lines of WGSL and words of tables.
    Any,
}

impl FileAccess {
    /// The path to open for this name.
    ///
    /// # Errors
    /// NotAllowed when the file may not be opened; NotFound and the like when that cannot be known.
    pub(super) fn path(&self, name: &str) -> Result<PathBuf> {
        if name.contains(char::is_control) {
            // A terminal that shows the name would obey control characters.
            return Err(Error::syntax("expected the name of a file but found control characters"));
        }
        let refused = |context| Err(Error::new(ErrorKind::NotAllowed, context));
        match self {
            Self::None => refused(format!(
                "expected a chain without files but found the file `{name}`; `FilterChain::parse_with` reads chains \
                 with files"
            )),
            Self::Folder(folder) => {
                // Refused by its name alone, so that an untrusted chain cannot find out which files exist elsewhere.
                let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
                let path = folder.join(name);
                if !path.strip_prefix(folder).is_ok_and(|rest| rest.components().all(inside)) {
                    return refused(format!("expected a file in the folder {} but found `{name}`", folder.display()));
                }
                let whole = |path: &Path| path.canonicalize().map_err(|error| Error::reading(path, error));
                let (folder, path) = (whole(folder)?, whole(&path)?);
                if path.starts_with(&folder) {
                    return Ok(path);
                }
                refused(format!("expected a file in the folder {} but found `{name}`", folder.display()))
            }
            Self::Any => Ok(name.into()),
        }
    }
}

/// The bytes of a regular file of at most `most` bytes.
///
/// # Errors
/// A file that does not exist, may not be read, is larger, or is a directory, a pipe or a device.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let reading = |error| Error::reading(path, error);
    // A device is not opened at all: opening it may have an effect.
    regular(path, &path.metadata().map_err(reading)?)?;
    let file = open(path).map_err(reading)?;
    let metadata = file.metadata().map_err(reading)?;
    regular(path, &metadata)?;
    let mut bytes = Vec::new();
    if metadata.len() <= most {
        file.take(most + 1).read_to_end(&mut bytes).map_err(reading)?;
    }
    // Some system files have bytes although their length is 0.
    let found = metadata.len().max(bytes.len() as u64);
    if found > most {
        let message = format!("expected a file of at most {} KiB but found one of {} KiB", most >> 10, found >> 10);
        return Err(Error::not_supported(message).at(path.display()));
    }
    Ok(bytes)
}

fn regular(path: &Path, found: &std::fs::Metadata) -> Result<()> {
    if found.is_file() {
        return Ok(());
    }
    if found.is_dir() {
        return Err(Error::reading(path, io::ErrorKind::IsADirectory.into()));
    }
    let message = "expected a regular file but found a pipe or a device; copy what it gives to a file first";
    Err(Error::not_readable(message).at(path.display()))
}

/// Opens a file without waiting, in case a pipe has replaced it since it was checked.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    options.open(path)
}
