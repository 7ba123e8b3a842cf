//! How a terminal draws pictures, and which way this one knows.

use framereel::{Error, ErrorKind, Result};

/// A way to draw a picture on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Graphics {
    /// Half blocks of text in 24-bit colours.
    Blocks,
    /// Sixels.
    Sixel,
    /// kitty's graphics protocol.
    Kitty,
}

/// `blocks`, `sixel`, `kitty`.
impl std::str::FromStr for Graphics {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "blocks" => Ok(Self::Blocks),
            "sixel" => Ok(Self::Sixel),
            "kitty" => Ok(Self::Kitty),
            _ => {
                let expected = format!("expected blocks, sixel or kitty but found `{text}`");
                Err(Error::new(ErrorKind::Syntax, expected))
            }
        }
    }
}

impl Graphics {
    /// The best that this terminal draws.
    pub fn detect() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        if knows_kitty(variable) {
            Self::Kitty
        } else if asked().is_some_and(|answer| tells_sixel(&answer)) {
            Self::Sixel
        } else {
            Self::Blocks
        }
    }
}

/// Whether the environment names a terminal with kitty's protocol.
fn knows_kitty(variable: impl Fn(&str) -> Option<String>) -> bool {
    let is = |name: &str, values: &[&str]| variable(name).is_some_and(|value| values.contains(&&*value));
    let term = variable("TERM").unwrap_or_default();
    // Within tmux and screen the variables are those of the terminal around it, which does not get our pictures.
    let within = variable("TMUX").is_some() || term.starts_with("screen") || term.starts_with("tmux");
    let named = is("TERM", &["xterm-kitty", "xterm-ghostty"]) || is("TERM_PROGRAM", &["ghostty", "WezTerm"]);
    !within && (named || variable("KITTY_WINDOW_ID").is_some())
}

/// Whether an answer to the request for primary device attributes, `ESC [ ? 62 ; 4 ; 22 c`, has a 4: sixel graphics.
fn tells_sixel(answer: &[u8]) -> bool {
    let Some(start) = answer.windows(3).position(|bytes| bytes == b"\x1b[?") else { return false };
    let attributes = &answer[start + 3..];
    let Some(end) = attributes.iter().position(|&byte| byte == b'c') else { return false };
    // The first number is the terminal's class.
    attributes[..end].split(|&byte| byte == b';').skip(1).any(|attribute| attribute == b"4")
}

/// The terminal's answer to the request for its attributes; none if it does not answer soon.
#[cfg(unix)]
fn asked() -> Option<Vec<u8>> {
    use std::io::Write;
    use std::time::{Duration, Instant};

    use super::super::keys::Unbuffered;

    /// How long an answer may take, over a slow connection too.
    const PATIENCE: Duration = Duration::from_millis(700);

    let terminal = Unbuffered::begin()?;
    std::io::stderr().write_all(b"\x1b[c").ok()?;
    let (began, mut answer) = (Instant::now(), Vec::new());
    while !answer.ends_with(b"c") {
        let left = PATIENCE.checked_sub(began.elapsed())?;
        answer.extend(terminal.next_byte(left.min(Duration::from_millis(50))));
    }
    Some(answer)
}

/// Terminals are asked on Unix only.
#[cfg(not(unix))]
fn asked() -> Option<Vec<u8>> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_terminals_with_kittys_protocol() {
        let knows = |variables: &[(&str, &str)]| {
            knows_kitty(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(knows(&[("TERM", "xterm-kitty")]));
        assert!(knows(&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")]));
        assert!(knows(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")]));
        assert!(knows(&[("TERM_PROGRAM", "ghostty")]));
        assert!(!knows(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "Apple_Terminal")]));
        assert!(!knows(&[]));
        assert!(!knows(&[("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1")]), "tmux within kitty");
        assert!(!knows(&[("TERM", "xterm-256color"), ("TMUX", "/tmp/1"), ("TERM_PROGRAM", "WezTerm")]));
    }

    #[test]
    fn a_terminal_with_sixels_says_so_by_a_4() {
        assert!(tells_sixel(b"\x1b[?62;4;22c"));
        assert!(tells_sixel(b"typed\x1b[?1;2;4c"));
        for other in [&b"\x1b[?64;1;22c"[..], b"\x1b[?4c", b"\x1b[?62;44;14c", b"\x1b[?62;4", b"", b"4;4c"] {
            assert!(!tells_sixel(other), "{other:?}");
        }
    }

    #[test]
    fn other_words_are_refused() {
        assert_eq!("sixel".parse::<Graphics>().unwrap(), Graphics::Sixel);
        let error = "ascii".parse::<Graphics>().unwrap_err();
        assert_eq!(error.to_string(), "expected blocks, sixel or kitty but found `ascii`");
    }
}
