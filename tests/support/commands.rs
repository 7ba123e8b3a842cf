//! The commands of a document in Markdown: the lines of its blocks of `sh`.

/// A block between two fences.
#[derive(Debug)]
pub struct Block<'a> {
    /// The word behind the first fence.
    pub language: &'a str,
    /// The number of its first line in the document, from 1 on.
    pub number: usize,
    pub lines: Vec<&'a str>,
}

/// A command as a reader types it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// Where it is: `README.md:42`.
    pub place: String,
    pub text: String,
    /// The exit code that its comment promises, as in `# exit code 1: it is cut`; otherwise 0.
    pub code: i32,
}

/// The blocks of a document, in their order.
pub fn blocks(document: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (index, line) in document.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (Some(block), None) => block.lines.push(line),
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some(language)) => {
                open = Some(Block { language: language.trim(), number: index + 2, lines: Vec::new() });
            }
            (None, None) => {}
        }
    }
    found
}

/// The commands of a document of this name. A line that ends with `\` goes on in the next one.
pub fn commands(name: &str, document: &str) -> Vec<CommandLine> {
    let mut found = Vec::new();
    for block in blocks(document).iter().filter(|block| block.language == "sh") {
        let mut begun: Option<(usize, String)> = None;
        for (index, line) in block.lines.iter().enumerate() {
            let (number, mut text) = begun.take().unwrap_or((block.number + index, String::new()));
            if let Some(part) = line.strip_suffix('\\') {
                text.push_str(part);
                begun = Some((number, text));
                continue;
            }
            let (command, comment) = without_comment(line);
            text.push_str(command);
            if !text.trim().is_empty() {
                let place = format!("{name}:{number}");
                found.push(CommandLine { place, text: text.trim().to_owned(), code: promised(comment) });
            }
        }
    }
    found
}

/// A line up to its comment, and the comment.
fn without_comment(line: &str) -> (&str, &str) {
    let (mut quote, mut before) = (None, ' ');
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (None, '#') if before.is_whitespace() => return (&line[..at], &line[at + 1..]),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
        before = character;
    }
    (line, "")
}

/// The exit code that a comment begins with.
fn promised(comment: &str) -> i32 {
    let number = comment.trim_start().strip_prefix("exit code ").map(|rest| rest.split(|c: char| !c.is_ascii_digit()));
    number.and_then(|mut parts| parts.next()?.parse().ok()).unwrap_or(0)
}

impl CommandLine {
    /// The words, without their quotes.
    pub fn words(&self) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        for character in self.text.chars() {
            match (quote, character) {
                (None, ' ') => words.extend(word.take()),
                (None, '\'' | '"') => {
                    quote = Some(character);
                    word.get_or_insert_default();
                }
                (Some(open), _) if open == character => quote = None,
                _ => word.get_or_insert_default().push(character),
            }
        }
        words.extend(word);
        words
    }

    /// What follows each `-o` and each `>`.
    pub fn outputs(&self) -> Vec<String> {
        let words = self.words();
        let pairs = words.windows(2).filter(|pair| ["-o", "--output", ">"].contains(&pair[0].as_str()));
        pairs.map(|pair| pair[1].clone()).collect()
    }

    /// Everything that may be the name of a file or folder that the command reads.
    pub fn inputs(&self) -> Vec<String> {
        let outputs = self.outputs();
        let is_of_name = |c: char| c.is_alphanumeric() || "_-./*".contains(c);
        let names = self.text.split(|c| !is_of_name(c)).filter(|name| !name.is_empty());
        names.map(str::to_owned).filter(|name| !outputs.contains(name)).collect()
    }

    /// Whether one of its words is this one.
    pub fn has(&self, word: &str) -> bool {
        self.words().iter().any(|found| found == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_long_lines_are_read_as_a_shell_reads_them() {
        let document = "a\n```sh\nfirst --color '#fff' \"#\" a#b   # exit code 2: so\n# nothing\n\n\
                        second \\\n    -o \"x y\"\n```\n```text\nthird\n```\n";
        let found = commands("a.md", document);
        let line = |place: &str, text: &str, code| CommandLine { place: place.into(), text: text.into(), code };
        let expected =
            [line("a.md:3", "first --color '#fff' \"#\" a#b", 2), line("a.md:6", "second     -o \"x y\"", 0)];
        assert_eq!(found, expected);
        assert_eq!(found[1].words(), ["second", "-o", "x y"]);
        assert_eq!(found[1].outputs(), ["x y"]);
    }

    #[test]
    fn files_are_found_within_words() {
        let text = "framereel record left.mp4 --overlay right.mp4@center --filter 'lut(\"film.cube\")' -o both.webm";
        let line = CommandLine { place: String::new(), text: text.into(), code: 0 };
        let names = line.inputs();
        assert!(
            ["left.mp4", "right.mp4", "film.cube"].iter().all(|&name| names.contains(&name.to_owned())),
            "{names:?}"
        );
        assert!(!names.contains(&"both.webm".to_owned()));
    }
}
