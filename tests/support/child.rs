//! Tests of library calls that need devices. Only the child processes of a [`Session`] see its camera, so such a test
//! has two parts: a parent plugs devices in and runs this test program again, for one ignored test, the child, which
//! calls the library. The child requests actions of the parent by printing words.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::devices::Session;

/// How long a child may take.
const LIMIT: Duration = Duration::from_secs(120);
/// The environment variable with a child's folder.
const FOLDER: &str = "FRAMEREEL_TEST_FOLDER";
/// The prefix of a line with a child's request.
const WISH: &str = "parent, please: ";
/// One child at a time: two that encode in real time would slow each other down.
static TURN: Mutex<()> = Mutex::new(());

/// Devices for children, and a folder for their files.
pub struct Parent {
    pub session: Session,
    folder: TempDir,
    denied: bool,
    _turn: MutexGuard<'static, ()>,
}

impl Parent {
    pub fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self { session: Session::start(), folder: tempfile::tempdir().expect("a folder"), denied: false, _turn: turn }
    }

    /// The same; its children may open no camera.
    pub fn denying_cameras(self) -> Self {
        Self { denied: true, ..self }
    }

    /// The path of a child's file of this name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the child of this name; it must pass.
    pub fn runs(&self, name: &str) {
        self.runs_granting(name, |wish| panic!("{name} wishes for {wish}"));
    }

    /// Runs the child of this name, and performs its requests; it must pass.
    pub fn runs_granting(&self, name: &str, mut grant: impl FnMut(&str)) {
        let mut command = self.session.command(std::env::current_exe().expect("this program"));
        command.args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(FOLDER, self.folder.path()).env("RUST_BACKTRACE", "0").stdin(Stdio::piped());
        if self.denied {
            command.env("RIG_DENIES_CAMERAS", "1");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("this program again");
        let mut granted = child.stdin.take().expect("a pipe");
        let (mut out, err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        let (lines, wishes) = channel();
        let printed = thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).map(|_| text).expect("text")
        });
        thread::spawn(move || BufReader::new(err).lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        let (began, mut complaints) = (Instant::now(), String::new());
        loop {
            match wishes.recv_timeout(LIMIT.saturating_sub(began.elapsed())) {
                Ok(line) => match line.split_once(WISH) {
                    Some((_, wish)) => {
                        grant(wish);
                        granted.write_all(b"granted\n").expect("a child that waits");
                    }
                    None => complaints.extend([line.as_str(), "\n"]),
                },
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    child.kill().expect("an end to the child");
                    panic!("{name} still runs after {LIMIT:?}: {complaints}");
                }
            }
        }
        let status = child.wait().expect("a child to wait for");
        let printed = printed.join().expect("a reader");
        assert!(status.success(), "{name}: {status}\n{printed}{complaints}");
        // A name without a test passes too, with no test run.
        assert!(printed.contains("1 passed"), "{name} is no child: {printed}");
    }
}

/// In a child: sends this request to the parent, and waits until it is done.
pub fn wish(what: &str) {
    // On a line of its own: the test's name may be printed before it.
    eprintln!("\n{WISH}{what}");
    io::stdin().read_line(&mut String::new()).expect("a parent");
}

/// In a child: the path for a file of this name.
pub fn left(name: &str) -> PathBuf {
    Path::new(&std::env::var_os(FOLDER).expect("a parent")).join(name)
}
