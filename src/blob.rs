//! Bytes with a type, as the Web's `Blob` (File API §3): the form in which a recording is delivered, as a whole or in
//! parts.
//!
//! A blob never changes. Its bytes are in memory or in a file. It is cheap to clone, and blobs are joined and sliced
//! without copying bytes.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::mux::repair::{self, Piece};
use crate::still;

/// Bytes with a type.
#[derive(Clone)]
pub struct Blob {
    parts: Arc<[Part]>,
    size: u64,
    mime_type: Arc<str>,
}

/// A range of bytes in one store.
#[derive(Clone)]
struct Part {
    /// Where it begins in the blob.
    at: u64,
    store: Store,
    /// The range of the store's bytes; never empty.
    range: Range<u64>,
}

#[derive(Clone)]
enum Store {
    Memory(Arc<Vec<u8>>),
    File(Arc<File>),
}

impl Blob {
    /// A blob of these bytes and this type. As on the Web, a type with characters outside U+0020 to U+007E becomes
    /// empty; unlike on the Web, case is kept, because codec names contain upper case (`av01.0.05M.08`).
    pub fn new(bytes: impl Into<Vec<u8>>, mime_type: impl Into<String>) -> Self {
        let bytes = Arc::new(bytes.into());
        let range = 0..bytes.len() as u64;
        Self::of([(Store::Memory(bytes), range)], mime_type.into())
    }

    /// The present bytes of a file; bytes appended later are not included. The file stays open while a blob of it
    /// exists, and may be renamed or removed; if it is truncated or overwritten, the blob is damaged.
    ///
    /// # Errors
    /// For a file that does not exist or may not be read, and for a directory.
    pub fn from_file(path: impl AsRef<Path>, mime_type: impl Into<String>) -> Result<Self> {
        let path = path.as_ref();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| Error::reading(path, error))?;
        if metadata.is_dir() {
            return Err(Error::reading(path, io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self::of([(Store::File(Arc::new(file)), 0..metadata.len())], mime_type.into()))
    }

    /// The present bytes of an open file.
    pub(crate) fn from_open_file(file: File, mime_type: String) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::of([(Store::File(Arc::new(file)), 0..length)], mime_type))
    }

    /// Concatenates blobs, as `new Blob([a, b])` does; the type is that of the first one.
    pub fn join(blobs: impl IntoIterator<Item = Self>) -> Self {
        let mut blobs = blobs.into_iter().peekable();
        let mime_type = blobs.peek().map_or_else(|| Arc::from(""), |first| first.mime_type.clone());
        let parts: Vec<_> = blobs.flat_map(|blob| blob.stores().collect::<Vec<_>>()).collect();
        Self { mime_type, ..Self::of(parts, String::new()) }
    }

    fn of(stores: impl IntoIterator<Item = (Store, Range<u64>)>, mime_type: String) -> Self {
        let mut size = 0;
        let parts = stores
            .into_iter()
            .filter(|(_, range)| !range.is_empty())
            .map(|(store, range)| {
                let at = size;
                size += range.end - range.start;
                Part { at, store, range }
            })
            .collect();
        let sound = mime_type.chars().all(|c| (' '..='~').contains(&c));
        Self { parts, size, mime_type: if sound { mime_type.into() } else { "".into() } }
    }

    fn stores(&self) -> impl Iterator<Item = (Store, Range<u64>)> {
        self.parts.iter().map(|part| (part.store.clone(), part.range.clone()))
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Its MIME type, the Web's `type`; empty where it has none.
    pub fn mime_type(&self) -> &str {
        &self.mime_type
    }

    /// A range of its bytes, limited to its size. Unlike on the Web, a slice keeps the type.
    pub fn slice(&self, range: Range<u64>) -> Self {
        let inside = |part: &Part| {
            let start = range.start.max(part.at);
            let end = range.end.min(part.at + (part.range.end - part.range.start));
            (start < end).then(|| {
                let shift = |at: u64| at - part.at + part.range.start;
                (part.store.clone(), shift(start)..shift(end))
            })
        };
        // Parts are in order: skip those before the range.
        let first = self.part_at(range.start);
        let parts = self.parts[first..].iter().take_while(|part| part.at < range.end).filter_map(inside);
        Self { mime_type: self.mime_type.clone(), ..Self::of(parts, String::new()) }
    }

    /// The index of the part that holds this byte, or the number of parts.
    fn part_at(&self, position: u64) -> usize {
        self.parts.partition_point(|part| part.at + (part.range.end - part.range.start) <= position)
    }

    /// A reader from its beginning. Several readers are independent.
    pub fn reader(&self) -> impl Read + Seek + Send + 'static {
        BlobReader { blob: self.clone(), position: 0 }
    }

    /// All its bytes, in memory.
    ///
    /// # Errors
    /// When its file cannot be read, or has become shorter.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = bytes.try_reserve_exact(usize::try_from(self.size).unwrap_or(usize::MAX));
        read.map_err(io::Error::other).and_then(|()| self.reader().read_to_end(&mut bytes)).map_err(unreadable)?;
        Ok(bytes)
    }

    /// All its bytes as a `data:` URL (the Web's `FileReader.readAsDataURL`), with its type but without codecs, whose
    /// comma would end the type there. It is a third longer than the bytes.
    ///
    /// # Errors
    /// As [`Blob::bytes`].
    pub fn to_data_url(&self) -> Result<String> {
        let essence = self.mime_type.split(';').next().unwrap_or_default();
        Ok(still::data_url_of(&self.bytes()?, essence))
    }

    /// Writes it to a file, completely or not at all; an existing file is replaced. The bytes are written to a new file
    /// in the same folder first, which is then renamed; a device or a pipe is written to directly.
    ///
    /// # Errors
    /// For a folder that does not exist or may not be written to, a directory at the file's path, and a full disk; and
    /// as [`Blob::bytes`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let failed = |error| Error::writing(path, error);
        let found = path.metadata().ok();
        if found.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        if found.is_some_and(|found| !found.is_file()) {
            let device = OpenOptions::new().write(true).open(path).map_err(failed)?;
            return self.write_to(&device, path);
        }
        let file = new_file_beside(path).map_err(failed)?;
        self.write_to(file.as_file(), path)?;
        file.as_file().sync_all().and_then(|()| file.persist(path).map_err(io::Error::from)).map_err(failed)?;
        Ok(())
    }

    fn write_to(&self, file: &File, path: &Path) -> Result<()> {
        let mut output = BufWriter::with_capacity(1 << 18, file);
        let mut reader = self.reader();
        let mut buffer = vec![0; 1 << 18];
        let failed = |error| Error::writing(path, error);
        loop {
            match reader.read(&mut buffer).map_err(unreadable)? {
                0 => return output.flush().map_err(failed),
                count => output.write_all(&buffer[..count]).map_err(failed)?,
            }
        }
    }

    /// The same recording with an index and an exact duration, so that players can seek in it (RecordRTC's
    /// `getSeekableBlob`). A recording that is seekable already is returned unchanged; a truncated or damaged one is
    /// repaired as by [`crate::mux::repair()`].
    ///
    /// No frame is copied: the new blob consists of ranges of this one, with some new bytes between them.
    ///
    /// # Errors
    /// For bytes that are not WebM, Matroska or MP4, or have no complete frame, and for a file that cannot be read.
    pub fn into_seekable(self) -> Result<Self> {
        let (report, pieces) = repair::planned(self.reader())?;
        if report.nothing_to_repair() {
            return Ok(self);
        }
        // All new bytes are in one store, because every cluster needs some.
        let mut new = Vec::new();
        let pieces: Vec<_> = pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Bytes(bytes) => {
                    let start = new.len() as u64;
                    new.extend(bytes);
                    (true, start..new.len() as u64)
                }
                Piece::Copy(range) => (false, range),
            })
            .collect();
        let new = Self::new(new, "");
        let stores = pieces.into_iter().flat_map(|(is_new, range)| {
            let blob = if is_new { &new } else { &self };
            blob.slice(range).stores().collect::<Vec<_>>()
        });
        Ok(Self { mime_type: self.mime_type.clone(), ..Self::of(stores, String::new()) })
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob").field("size", &self.size).field("type", &self.mime_type).finish()
    }
}

/// A new file in the folder of `path`, which is removed unless it is renamed to `path`.
fn new_file_beside(path: &Path) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".part");
    // The usual permissions of a new file, not those of a temporary one.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

fn unreadable(error: io::Error) -> Error {
    Error::not_readable("the blob could not be read").with_cause(error)
}

struct BlobReader {
    blob: Blob,
    position: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(part) = self.blob.parts.get(self.blob.part_at(self.position)) else { return Ok(0) };
        let start = part.range.start + (self.position - part.at);
        let count = buffer.len().min(usize::try_from(part.range.end - start).unwrap_or(usize::MAX));
        if count == 0 {
            return Ok(0);
        }
        let count = match &part.store {
            Store::Memory(bytes) => {
                let start = start as usize;
                buffer[..count].copy_from_slice(&bytes[start..start + count]);
                count
            }
            Store::File(file) => match read_at(file, &mut buffer[..count], start)? {
                0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "its file is shorter than it was")),
                count => count,
            },
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.blob.size.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// Reads at a position of a file that several readers share.
#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(test)]
mod tests;
