//! One error type for the whole crate.
//!
//! A kind has the Web specification's name, which is known to programmers of the Web; the context says in lower case
//! what was expected, what was found and what to do about it.

use std::fmt;
use std::sync::Arc;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an error, with the Web's names (Web IDL §2.8.1 and Media Capture and Streams §10.6).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call does not fit the object's state.
    InvalidState,
    /// The format, codec or option is not supported.
    NotSupported,
    /// A file, device, adapter or program does not exist.
    NotFound,
    /// The user or the system forbids it.
    NotAllowed,
    /// The source exists but cannot be read: damaged, busy, or not what its header says.
    NotReadable,
    /// No device meets the constraint of this name.
    Overconstrained {
        /// The constraint's name, such as `width`.
        constraint: String,
    },
    /// The stream's tracks or the frames' size changed while recording.
    InvalidModification,
    /// Text that does not parse: a filter chain, a size, a duration.
    Syntax,
    /// An argument of the wrong type, or a request for nothing.
    Type,
    /// An argument outside its range.
    Range,
    /// Writing the result failed: disk full, closed pipe.
    Write,
    /// Anything else: a lost GPU, an encoder that failed.
    Unknown,
}

impl ErrorKind {
    /// Its name on the Web, such as `NotSupportedError`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InvalidState => "InvalidStateError",
            Self::NotSupported => "NotSupportedError",
            Self::NotFound => "NotFoundError",
            Self::NotAllowed => "NotAllowedError",
            Self::NotReadable => "NotReadableError",
            Self::Overconstrained { .. } => "OverconstrainedError",
            Self::InvalidModification => "InvalidModificationError",
            Self::Syntax => "SyntaxError",
            Self::Type => "TypeError",
            Self::Range => "RangeError",
            Self::Write | Self::Unknown => "UnknownError",
        }
    }
}

/// An error: its kind, its context, and its cause.
///
/// Its text is the context with the cause in parentheses. Therefore [`source`](std::error::Error::source) returns the
/// source of the cause, as [`std::io::Error`] does, and printing the whole chain shows each error once. The cause
/// itself is [`Error::cause`].
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind with this context.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), cause: None }
    }

    /// The same error with its cause.
    pub fn with_cause(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into().into());
        self
    }

    /// The same error, with its location before the context: `clip.y4m: …`.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.context = format!("{place}: {}", self.context);
        self
    }

    /// The same error, with advice after the context that only the program knows, such as a flag that helps.
    pub fn with_remedy(mut self, remedy: impl fmt::Display) -> Self {
        self.context = format!("{}; {remedy}", self.context);
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Its cause, such as an [`std::io::Error`]; none where it has no cause outside this crate.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    pub(crate) fn not_supported(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotSupported, context)
    }

    pub(crate) fn not_found(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, context)
    }

    pub(crate) fn not_readable(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotReadable, context)
    }

    pub(crate) fn syntax(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Syntax, context)
    }

    pub(crate) fn range(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Range, context)
    }

    pub(crate) fn unknown(context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unknown, context)
    }

    /// The error of a thread that could not be started.
    pub(crate) fn no_thread(error: std::io::Error) -> Self {
        Self::unknown("no thread could be started").with_cause(error)
    }

    /// The error of a file that could not be opened or read, with advice where possible.
    pub(crate) fn reading(path: &std::path::Path, error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let (kind, what) = match error.kind() {
            Io::NotFound => (ErrorKind::NotFound, "expected a file but found nothing of that name"),
            Io::PermissionDenied => {
                (ErrorKind::NotAllowed, "expected a readable file but found no permission to read it")
            }
            Io::IsADirectory => (ErrorKind::NotReadable, "expected a file but found a directory"),
            _ => (ErrorKind::NotReadable, "could not be read"),
        };
        Self::new(kind, what).at(path.display()).with_cause(error)
    }

    /// The error of a file that could not be created or written.
    pub(crate) fn writing(path: &std::path::Path, error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let what = match error.kind() {
            Io::NotFound => "expected a folder to write into but found none; create it first",
            Io::PermissionDenied => "expected to write here but found no permission",
            Io::IsADirectory => "expected a file name but found a directory",
            Io::BrokenPipe => "expected a reader but found that it has gone away",
            Io::StorageFull => "could not be written: the disk is full",
            _ => "could not be written",
        };
        Self::new(ErrorKind::Write, what).at(path.display()).with_cause(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)?;
        if let Some(cause) = &self.cause {
            write!(f, " ({cause})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.kind.name())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().and_then(|cause| cause.source())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_errors_tells_each_cause_once() {
        let io = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let text = io.to_string();
        let error = Error::new(ErrorKind::Write, "film.webm: could not be written").with_cause(io);
        let outer = Error::unknown("the recording failed").with_cause(error.clone());
        assert_eq!(outer.to_string(), format!("the recording failed ({error})"));
        let mut printed = outer.to_string();
        let mut below = std::error::Error::source(&outer);
        while let Some(error) = below {
            printed += &format!(": {error}");
            below = error.source();
        }
        assert_eq!(printed.matches(&text).count(), 1, "{printed}");
        let cause = error.cause().and_then(|cause| cause.downcast_ref::<std::io::Error>());
        assert_eq!(cause.map(std::io::Error::kind), Some(std::io::ErrorKind::StorageFull));
    }
}
