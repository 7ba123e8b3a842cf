//! framereel beside its peers at the same job on the same machine: the same film to the same codec with equal settings,
//! with and without filters. The runs take turns, and the tables show medians of the whole command, start and end included.
//!
//! `cargo bench --bench peers` prints the tables; with `-- --help` it prints its options. `make bench-check` fails where
//! framereel became slower beside its peers. Compare figures only when nothing else runs. A tool, encoder or element that
//! is not here is named in its row.

mod arguments;
#[path = "../../tests/support/browser.rs"]
mod browser;
mod chain;
mod check;
mod encoder;
mod film;
mod job;
mod live;
mod results;
mod tool;
#[path = "../../tests/support/tools.rs"]
mod tools;
mod unencoded;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::available_parallelism;

use arguments::{Arguments, USAGE};
use film::Film;
use job::{Session, jobs};
use results::Results;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    if arguments.help {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints, stores and compares; false if something failed or is worse than before.
fn run(arguments: &Arguments) -> Result<bool, String> {
    // Before what takes minutes.
    let before = arguments.check.as_deref().map(Results::read).transpose()?;
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let session = Session {
        program: program()?,
        film: Film::open(arguments.film.as_deref(), arguments.frames, folder.path())?,
        folder: folder.path().into(),
        threads: available_parallelism().map_or(1, usize::from),
        runs: arguments.runs(),
    };
    let mut rows = Vec::new();
    for job in jobs() {
        let wanted = |peer: &job::Peer| arguments.wants(job.encoder.name, job.chain.chain, peer.name());
        let peers: Vec<_> = job.peers().into_iter().filter(wanted).collect();
        if !peers.is_empty() {
            eprintln!("{}, {} …", job.encoder.name, job.chain.chain);
            rows.extend(session.measure(&job, &peers));
        }
    }
    // Frames kept are not compared.
    let wants_live = |peer: &str| before.is_none() && arguments.wants("live", "sepia(1)", peer);
    let live = live::measure(&session.program, folder.path(), wants_live);
    if rows.is_empty() && live.is_empty() {
        let text = arguments.only.as_deref().unwrap_or_default();
        return Err(format!("expected a row whose name contains {text:?} but found none; give --only another text"));
    }

    let results = Results::new(&session, rows, live);
    print!("{}", results.markdown());
    if let Some(file) = &arguments.json {
        results.write(file)?;
    }
    let failed = results.rows.iter().any(|row| row.failed) || results.live.iter().any(|row| row.failed);
    let Some(before) = before else { return Ok(!failed) };
    let (text, passed) = check::check(&before, &results, arguments);
    print!("\n{text}");
    Ok(passed && !failed)
}

/// framereel's program: that of the environment's FRAMEREEL, or the one that Cargo built beside this bench.
fn program() -> Result<PathBuf, String> {
    let given = std::env::var_os("FRAMEREEL").filter(|path| !path.is_empty());
    let program = given.map_or_else(|| Path::new(env!("CARGO_BIN_EXE_framereel")).to_path_buf(), PathBuf::from);
    if program.is_file() {
        return Ok(program);
    }
    Err(format!("expected framereel in {} but found no such file; FRAMEREEL=PATH says where it is", program.display()))
}
