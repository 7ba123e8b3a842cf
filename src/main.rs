//! The `framereel` program: runs the command that the arguments name, and prints errors.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use cli::args::{Args, Command};

fn main() -> ExitCode {
    quiet_mesa();
    let done = match Args::parse().command {
        Command::Record(args) => cli::record::run(&args),
        #[cfg(feature = "preview")]
        Command::Preview(args) => cli::preview::run(&args),
        Command::Sheet(args) => cli::sheet::run(&args),
        Command::Still(args) => cli::still::run(&args),
        Command::Repair(args) => cli::repair::run(&args),
        Command::Inspect(args) => cli::inspect::run(&args),
        Command::Devices(args) => cli::devices::run(&args),
        Command::Doctor => cli::doctor::run(),
        Command::Filters(args) => cli::list::filters(&args),
        Command::Codecs(args) => cli::codecs::run(&args),
        Command::Bench(args) => cli::bench::run(&args),
        Command::Completions(args) => cli::completions::run(args.shell),
        Command::Man(args) => cli::man::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::fail(&error),
    }
}

/// Stops Mesa's device-select layer from asking a Wayland server for its GPU where there can be none: on servers and in
/// cron jobs, it would print an error on standard error.
#[allow(unsafe_code, reason = "the environment can only be set so; the process has one thread yet")]
fn quiet_mesa() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: this is the first thing that `main` does, so that no other thread can read the environment.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}
