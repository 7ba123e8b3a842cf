//! One run of the `ffmpeg` program: its output, its messages, and its end.

use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use super::not_started;
use crate::error::{Error, Result};

/// A run, which is killed when it is dropped.
pub struct Run {
    child: Child,
    /// Its standard output.
    pub output: ChildStdout,
    messages: Option<JoinHandle<String>>,
}

impl Run {
    /// Starts the program. `read` reads its standard error to the end, on a thread of its own, and returns the part to
    /// keep.
    pub fn start(mut command: Command, read: impl FnOnce(ChildStderr) -> String + Send + 'static) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(not_started)?;
        let pipes = child.stdout.take().zip(child.stderr.take());
        let (output, stderr) = pipes.ok_or_else(|| Error::unknown("ffmpeg started without its pipes"))?;
        let mut run = Self { child, output, messages: None };
        let thread = std::thread::Builder::new().name("ffmpeg stderr".into()).spawn(move || read(stderr));
        run.messages = Some(thread.map_err(Error::no_thread)?);
        Ok(run)
    }

    /// Waits for the end of a run whose output has ended; its status and the last line of its messages, often empty.
    pub fn end(&mut self) -> Result<(ExitStatus, String)> {
        let status = self.child.wait().map_err(|error| Error::unknown("ffmpeg was lost").with_cause(error))?;
        let messages = self.messages.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        Ok((status, last_line(&messages)))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // If the program has ended by itself, there is nothing to kill and only its status to collect.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(messages) = self.messages.take() {
            let _ = messages.join();
        }
    }
}

/// The last line that is not empty. Control characters, which a terminal would obey, are left out.
pub fn last_line(text: &str) -> String {
    without_controls(text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default())
}

/// The text without control characters.
pub fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
