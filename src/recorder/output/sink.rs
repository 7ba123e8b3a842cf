//! The file of a recording. The file is opened before any work, so that a wrong name fails at once. An existing file is
//! not changed before the first byte is written, so that a recording that never starts leaves it as it was.
//!
//! Each write reaches the file completely or not at all: when the disk is full, the file ends with the last write that
//! fits.
//!
//! A file has one writer: it is locked while it is open, and a second writer is refused. If another program replaces
//! the file at its path meanwhile, the replacement is left alone: only the file that was opened is ever removed.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

const LOCKED: &str = "expected a file that nobody writes but found another recording writing it; give another name";

/// A file being written, or a device or pipe by a file's name.
///
/// Writes are buffered; [`Write::flush`] or dropping the sink writes the buffer out. Asking for the position costs
/// nothing. A pipe refuses every seek.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    /// `path` with symbolic links resolved, for a regular file.
    real_path: PathBuf,
    file: File,
    /// The file did not exist before.
    created: bool,
    /// A regular file: it can be truncated and removed.
    regular: bool,
    seekable: bool,
    /// The first write was made: the old content is gone, and all content is from this sink.
    begun: bool,
    removed: bool,
    /// Bytes not yet in the file, and the end of each write in these bytes.
    pending: Vec<u8>,
    ends: Vec<usize>,
    /// The file position of `pending`.
    start: u64,
    /// How many bytes the file holds.
    stored: u64,
    error: Option<io::Error>,
}

impl FileSink {
    pub(super) const BUFFER_SIZE: usize = 256 * 1024;

    /// Opens a file for writing, as [`File::create`] does. The first write truncates an existing file. Devices and
    /// pipes are written to as they are; opening a pipe waits for its reader.
    ///
    /// # Errors
    /// A write error for a directory and for a folder that does not exist; `NotAllowedError` for a file that is being
    /// written already.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_to_write(path.into(), true)
    }

    /// Opens a new file for writing, as [`File::create_new`] does: an existing file is left as it is.
    ///
    /// # Errors
    /// As [`FileSink::create`], and `NotAllowedError` for a file that exists.
    pub fn create_new(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_to_write(path.into(), false)
    }

    fn open_to_write(path: PathBuf, overwrite: bool) -> Result<Self> {
        match Self::open(&path, overwrite) {
            Ok(Some((file, created))) => {
                let regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
                if regular && !lock(&file) {
                    return Err(Error::new(ErrorKind::NotAllowed, LOCKED).at(path.display()));
                }
                let seekable = (&file).stream_position().is_ok();
                let mut sink = Self::of(path, file, seekable);
                (sink.created, sink.regular) = (created, regular);
                if regular {
                    sink.real_path = sink.path.canonicalize().unwrap_or_else(|_| sink.path.clone());
                    if !sink.is_at_its_path() {
                        // Another writer removed the file before it was locked here.
                        return Err(Error::new(ErrorKind::NotAllowed, LOCKED).at(sink.path.display()));
                    }
                }
                Ok(sink)
            }
            Ok(None) => {
                let what = "expected no file here but found one";
                Err(Error::new(ErrorKind::NotAllowed, what).at(path.display()))
            }
            Err(error) => Err(Error::writing(&path, error)),
        }
    }

    /// Standard output. It is never truncated or removed. It is seekable only if it is an empty file that is not
    /// appended to: `> FILE` gets a recording with an index; `>> FILE` and a pipe get WebM's live form.
    ///
    /// # Errors
    /// `NotAllowedError` when it is a terminal; a write error when it is closed.
    pub fn stdout() -> Result<Self> {
        const NAME: &str = "standard output";
        let stdout = io::stdout();
        if stdout.is_terminal() {
            let what = "expected a pipe or a file but found a terminal; add `> FILE.webm` or `| PROGRAM`";
            return Err(Error::new(ErrorKind::NotAllowed, what).at(NAME));
        }
        let file = duplicate(&stdout).map_err(|error| Error::writing(Path::new(NAME), error))?;
        let empty = file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
        let seekable = empty && !appends(&file) && (&file).stream_position().is_ok_and(|position| position == 0);
        Ok(Self::of(NAME.into(), file, seekable))
    }

    fn of(path: PathBuf, file: File, seekable: bool) -> Self {
        Self {
            real_path: path.clone(),
            path,
            file,
            created: false,
            regular: false,
            seekable,
            begun: false,
            removed: false,
            pending: Vec::new(),
            ends: Vec::new(),
            start: 0,
            stored: 0,
            error: None,
        }
    }

    /// The file and whether it is new; none if the file exists and must not be overwritten.
    fn open(path: &Path, overwrite: bool) -> io::Result<Option<(File, bool)>> {
        match options().read(true).write(true).create_new(true).open(path) {
            Ok(file) => return Ok(Some((file, true))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // A dangling symbolic link counts as an existing file.
        let regular = match path.metadata() {
            Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(metadata) => metadata.is_file(),
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_symlink() => true,
            Err(error) => return Err(error),
        };
        if regular && !overwrite {
            return Ok(None);
        }
        let open = |read| options().read(read).write(true).create(true).truncate(false).open(path);
        // A regular file may be write-only. A pipe is opened for writing only: opened for reading too, it would not
        // wait for its reader.
        let file = if regular { open(true).or_else(|_| open(false)) } else { open(false) };
        file.map(|file| Some((file, false)))
    }

    /// The path it writes to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a regular file, not a device or a pipe.
    pub fn is_regular(&self) -> bool {
        self.regular
    }

    /// Whether nothing was ever written to it.
    pub fn is_empty(&self) -> bool {
        !self.begun && self.pending.is_empty() && self.error.is_none()
    }

    /// How many bytes have reached the file; less than were written while some are still buffered, or after an error.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// The first write error, if any; later errors follow from it.
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Takes the first write error.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Discards the buffered writes, and removes the file if this sink created it or wrote to it. Otherwise the file
    /// stays as it was, and so do devices and pipes.
    pub fn discard(mut self) {
        self.pending.clear();
        self.ends.clear();
        if self.created || self.begun {
            self.remove();
        }
    }

    fn remove(&mut self) {
        if self.regular && !self.removed && self.is_at_its_path() {
            // A failure to remove the file has no remedy here.
            let _ = std::fs::remove_file(&self.real_path);
        }
        self.removed = true;
    }

    /// A second handle of the file, for reading.
    pub(super) fn reader(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Whether the file at this path is still the one that was opened. Compares metadata only: opening would wait if
    /// the path is now a pipe.
    #[cfg(unix)]
    fn is_at_its_path(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let inode = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let found = std::fs::symlink_metadata(&self.real_path).map(inode);
        found.is_ok_and(|found| self.file.metadata().map(inode).is_ok_and(|own| own == found))
    }

    #[cfg(not(unix))]
    fn is_at_its_path(&self) -> bool {
        let own = self.file.try_clone().and_then(same_file::Handle::from_file);
        own.is_ok_and(|own| same_file::Handle::from_path(&self.real_path).is_ok_and(|found| found == own))
    }

    /// Writes out the buffered writes. After a failure, the writes that did not fit are discarded, and a regular file
    /// is truncated after the last complete write.
    fn pass_on(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if !self.begun {
            if self.regular {
                self.file.set_len(0)?;
            }
            self.begun = true;
        }
        let (written, outcome) = write_what_fits(&mut self.file, &self.pending);
        let length = self.stored;
        let mut kept = written;
        if outcome.is_err() && self.regular {
            let whole = self.ends.iter().rev().find(|&&end| end <= written);
            kept = whole.copied().unwrap_or(0);
            let end = self.start + kept as u64;
            if end >= length && self.file.set_len(end).is_err() {
                kept = written;
            }
        }
        self.stored = length.max(self.start + kept as u64);
        self.start += kept as u64;
        self.pending.clear();
        self.ends.clear();
        if outcome.is_err() && self.seekable {
            self.file.seek(SeekFrom::Start(self.start))?;
        }
        outcome
    }

    fn keep_error<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &outcome
            && self.error.is_none()
        {
            self.error = Some(match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => error.kind().into(),
            });
        }
        outcome
    }
}

/// How files are opened. On Windows, the share mode excludes other writers and serves as the lock.
fn options() -> OpenOptions {
    #[cfg_attr(unix, expect(unused_mut, reason = "Windows sets more"))]
    let mut options = OpenOptions::new();
    #[cfg(windows)]
    {
        const READ_AND_DELETE: u32 = 1 | 4;
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, READ_AND_DELETE);
    }
    options
}

/// Locks a file for its one writer; false when it is locked already. True also where the file system has no locks.
fn lock(file: &File) -> bool {
    cfg!(windows) || !matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
}

/// A second handle of standard output, to write to without a buffer.
fn duplicate(stdout: &io::Stdout) -> io::Result<File> {
    #[cfg(unix)]
    return std::os::fd::AsFd::as_fd(stdout).try_clone_to_owned().map(File::from);
    #[cfg(windows)]
    return std::os::windows::io::AsHandle::as_handle(stdout).try_clone_to_owned().map(File::from);
}

/// Whether every write goes to the file's end, whatever the position.
fn appends(file: &File) -> bool {
    #[cfg(unix)]
    return rustix::fs::fcntl_getfl(file).is_ok_and(|flags| flags.contains(rustix::fs::OFlags::APPEND));
    // Not known on Windows; assume that it appends.
    #[cfg(windows)]
    return {
        let _ = file;
        true
    };
}

/// Writes until all is written or a write fails; returns the number of bytes written, and the result.
fn write_what_fits(file: &mut File, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if let Err(error) = wait_for_room(file) {
                    return (written, Err(error));
                }
            }
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

/// Waits until a non-blocking pipe accepts more bytes: another program can have set standard output to non-blocking.
#[cfg(unix)]
fn wait_for_room(file: &File) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    match poll(&mut [PollFd::new(file, PollFlags::OUT)], None) {
        // Errors on the pipe itself are reported by the next write.
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(windows)]
fn wait_for_room(_: &File) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

impl Write for FileSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // After a lost write, nothing may be written after its position, which would leave a hole; writes before it are
        // allowed.
        let end = self.start + (self.pending.len() + bytes.len()) as u64;
        if let Some(error) = &self.error
            && end > self.stored
        {
            return Err(error.kind().into());
        }
        self.pending.extend_from_slice(bytes);
        self.ends.push(self.pending.len());
        if self.pending.len() >= Self::BUFFER_SIZE {
            let outcome = self.pass_on();
            self.keep_error(outcome)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.pass_on().and_then(|()| self.file.flush());
        self.keep_error(outcome)
    }
}

impl Seek for FileSink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if !self.seekable {
            return Err(io::ErrorKind::NotSeekable.into());
        }
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => (self.start + self.pending.len() as u64).checked_add_signed(offset),
            SeekFrom::End(offset) => {
                // The end of the file is known only after the buffer is written out.
                let outcome = self.pass_on();
                self.keep_error(outcome)?;
                self.stored.checked_add_signed(offset)
            }
        };
        let target = target.ok_or(io::ErrorKind::InvalidInput)?;
        let here = self.start + self.pending.len() as u64;
        if target != here {
            let outcome = self.pass_on().and_then(|()| self.file.seek(SeekFrom::Start(target)));
            self.keep_error(outcome)?;
            self.start = target;
        }
        Ok(target)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.start + self.pending.len() as u64)
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        // To see an error, call `flush` before dropping the sink.
        let _ = self.pass_on();
        if self.created && !self.begun {
            self.remove();
        }
    }
}
