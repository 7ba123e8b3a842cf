//! `framereel man`: manual pages, made of the same texts as `--help`.

use std::fmt::Write;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use framereel::{Error, ErrorKind, Result};

use super::args::{Args, ManArgs};
use super::{create, print, write};

/// Prints the main page; with a folder writes one for each command into it.
pub fn run(args: &ManArgs) -> Result<()> {
    let pages = pages()?;
    let Some(folder) = &args.folder else {
        return print(pages[0].1.trim_end());
    };
    std::fs::create_dir_all(folder).map_err(|error| {
        Error::new(ErrorKind::Write, "the folder could not be made").at(folder.display()).with_cause(error)
    })?;
    pages.iter().try_for_each(|(name, page)| save(&folder.join(name), args.force, page))
}

fn save(path: &Path, force: bool, page: &str) -> Result<()> {
    write(create(path, force)?, page.as_bytes())
}

/// Each page's file name and text; the program's own is the first.
fn pages() -> Result<Vec<(String, String)>> {
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    let commands: Vec<Command> = program.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let name = |command: &Command| command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let others: String =
        commands.iter().map(|command| format!(".BR {} (1),\n", escaped(&name(command)))).collect::<String>();
    let others = others.trim_end_matches(",\n").to_owned() + "\n";
    let of = |command: Command, see: &str| -> io::Result<(String, String)> {
        Ok((format!("{}.1", name(&command)), page(command, see)?))
    };
    let main = of(program, &others);
    let rest = commands.into_iter().map(|command| of(command, ".BR framereel (1)\n"));
    std::iter::once(main).chain(rest).collect::<io::Result<_>>().map_err(|error| {
        Error::new(ErrorKind::Unknown, "a manual page could not be made: this is a fault in framereel")
            .with_cause(error)
    })
}

/// One command's page. `see` is the list of its last section.
fn page(command: Command, see: &str) -> io::Result<String> {
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_commands = command.has_subcommands();
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_uppercase();
    let title =
        format!(".TH \"{}\" \"1\" \"\" \"framereel {}\" \"framereel\"\n", escaped(&name), env!("CARGO_PKG_VERSION"));
    let page = Man::new(command);
    let mut text = Vec::new();
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if has_commands {
        page.render_subcommands_section(&mut text)?;
    }
    // Each section defines the apostrophe anew.
    let text = String::from_utf8_lossy(&text);
    let (apostrophe, sections): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| line.starts_with(".ie \\n(.g .ds Aq") || line.starts_with(".el .ds Aq"));
    let mut text = [&apostrophe[..apostrophe.len().min(2)], &[title.trim_end()], &sections].concat().join("\n") + "\n";
    text += &examples_section(&examples);
    text += ".SH SEE ALSO\n";
    Ok(ascii(&(text + see)))
}

/// Other characters by their numbers: roff takes them in no encoding that all systems agree on.
fn ascii(text: &str) -> String {
    let character = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) };
    text.chars().map(character).collect()
}

/// What stands below the options in `--help`: examples line by line as they are, then paragraphs.
fn examples_section(help: &str) -> String {
    let mut text = String::new();
    for paragraph in help.split("\n\n") {
        // Writing to a string does not fail.
        let _ = match paragraph.strip_prefix("Examples:\n") {
            Some(examples) => writeln!(text, ".SH EXAMPLES\n.nf\n{}\n.fi", escaped(examples)),
            None if paragraph.is_empty() => Ok(()),
            None => writeln!(text, ".PP\n{}", escaped(paragraph)),
        };
    }
    text
}

/// Text that roff prints as it is.
fn escaped(text: &str) -> String {
    let line = |line: &str| {
        let line = line.replace('\\', "\\(rs").replace('-', "\\-").replace('\'', "\\(aq").replace('"', "\\(dq");
        // A line that begins so would be a request.
        if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_stay_line_by_line_and_roff_takes_no_text_for_a_request() {
        let text = examples_section("Examples:\n  framereel x -o a\\b\n.hidden\n\nThat's all.");
        assert_eq!(text, ".SH EXAMPLES\n.nf\n  framereel x \\-o a\\(rsb\n\\&.hidden\n.fi\n.PP\nThat\\(aqs all.\n");
        assert_eq!(examples_section(""), "");
        assert_eq!(ascii("3…"), "3\\[u2026]");
    }
}
