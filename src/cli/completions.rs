//! `framereel completions`: what a shell needs to complete our arguments.

use clap::CommandFactory;
use clap_complete::Shell;
use framereel::Result;

use super::args::Args;
use super::print;

/// Prints the completions of this shell.
pub fn run(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "framereel", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())
}
