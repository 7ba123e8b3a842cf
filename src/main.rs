//! The `framereel` program: arguments in, a recording or a still out, errors in plain words.
#![deny(unsafe_code)]

mod cli;

use std::process::ExitCode;

use clap::Parser;
use cli::args::{Args, Command};

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Record(args) => cli::record::run(&args),
        Command::Still(args) => cli::still::run(&args),
        Command::Doctor => cli::doctor::run(),
        Command::Filters => cli::list::filters(),
        Command::Codecs => cli::list::codecs(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::fail(&error),
    }
}
