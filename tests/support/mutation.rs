//! Damages files, as by accident and on purpose. The same seed and case give the same bytes.

/// Marsaglia's xorshift.
pub struct Random(u64);

impl Random {
    /// A generator for one case, independent of the cases before it.
    pub fn of(seed: u64, case: u64) -> Self {
        // Steele's splitmix64 spreads seeds that differ in a few bits only.
        let mut state = seed.wrapping_add(case.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((state ^ state >> 31) | 1)
    }

    /// A number below the limit.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit.max(1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// The length of a stretch of bytes or tokens, up to one of these.
    fn range(&mut self, len: usize, longest: [usize; 4]) -> std::ops::Range<usize> {
        let start = self.below(len + 1);
        let longest = longest[self.below(4)];
        start..(start + 1 + self.below(longest)).min(len).max(start)
    }
}

/// The lengths of the stretches that mutations change.
const BYTES: [usize; 4] = [2, 8, 64, 4096];
const TOKENS: [usize; 4] = [1, 1, 3, 20];
/// The largest file that mutations make, in bytes.
const LONGEST: usize = 1 << 20;

/// One of these files, damaged in one to four places.
pub fn bytes(random: &mut Random, files: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = files[random.below(files.len())].clone();
    for _ in 0..[1, 1, 2, 4][random.below(4)] {
        let range = random.range(bytes.len(), BYTES);
        match random.below(9) {
            0 => bytes.truncate(range.start),
            1 => {
                // A few bits.
                let bit = 1 << random.below(8);
                bytes[range].iter_mut().for_each(|byte| *byte ^= bit);
            }
            2 => {
                let value = *random.one_of(&[&0, &0xff, &0x7f, &0x80, &0x01]);
                bytes[range].fill(value);
            }
            3 => drop(bytes.drain(range)),
            4 => {
                // Repeated once, or very often.
                let times = [1, 3, 100, 10_000][random.below(4)];
                let again = bytes[range.clone()].repeat(times.min(LONGEST / range.len().max(1)));
                bytes.splice(range.end..range.end, again);
            }
            5 => {
                let other = &files[random.below(files.len())];
                let taken = random.range(other.len(), BYTES);
                bytes.splice(range, other[taken].iter().copied());
            }
            6 => {
                let number = number(random);
                let end = range.start + if random.below(2) == 0 { 0 } else { number.len() };
                bytes.splice(range.start..end.min(bytes.len()), number);
            }
            7 => {
                // An EBML size overwrites the bytes.
                let size = vint(random);
                let end = (range.start + size.len()).min(bytes.len());
                bytes.splice(range.start..end, size);
            }
            _ => {
                // A number in a text.
                let start =
                    bytes[range.start..].iter().position(u8::is_ascii_digit).map_or(range.start, |at| at + range.start);
                let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let text = random.one_of(&NUMBERS);
                bytes.splice(start..start + digits, text.bytes());
            }
        }
        bytes.truncate(LONGEST);
    }
    bytes
}

/// One of these Matroska files, with the size or the data of some of its elements changed, or elements moved and repeated.
pub fn elements(random: &mut Random, files: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = files[random.below(files.len())].clone();
    for _ in 0..[1, 1, 2, 4][random.below(4)] {
        let Some(place) = element(random, &bytes) else { continue };
        match random.below(6) {
            0 | 1 => {
                // Another size, with the same or another number of bytes.
                let size = vint(random);
                let end = if random.below(2) == 0 { place.body } else { place.size + size.len() };
                bytes.splice(place.size..end.min(bytes.len()).max(place.size), size);
            }
            2 => {
                let number = number(random);
                let end = (place.body + number.len()).min(bytes.len());
                bytes.splice(place.body..end, number);
            }
            3 => {
                // Repeated once, or very often.
                let times = [1, 2, 50, 3000][random.below(4)].min(LONGEST / (place.end - place.start));
                let again = bytes[place.start..place.end].repeat(times);
                let at = element(random, &bytes).map_or(place.end, |other| other.start);
                bytes.splice(at..at, again);
            }
            4 => drop(bytes.drain(place.start..place.end)),
            _ => {
                // Moved into another one.
                let Some(other) = element(random, &bytes) else { continue };
                let moved = bytes[place.start..place.end].to_vec();
                bytes.splice(other.body..other.body, moved);
            }
        }
        bytes.truncate(LONGEST);
    }
    bytes
}

/// An element: its beginning, its size, its data, and its end within the file.
struct Place {
    start: usize,
    size: usize,
    body: usize,
    end: usize,
}

/// An element of the file, or bytes that look like one.
fn element(random: &mut Random, bytes: &[u8]) -> Option<Place> {
    const IDS: [&[u8]; 26] = [
        b"\x1a\x45\xdf\xa3",
        b"\x18\x53\x80\x67",
        b"\x11\x4d\x9b\x74",
        b"\x15\x49\xa9\x66",
        b"\x16\x54\xae\x6b",
        b"\x1f\x43\xb6\x75",
        b"\x1c\x53\xbb\x6b",
        b"\x12\x54\xc3\x67",
        b"\x2a\xd7\xb1",
        b"\x44\x89",
        b"\xae",
        b"\xd7",
        b"\x83",
        b"\x86",
        b"\x63\xa2",
        b"\xe0",
        b"\xb0",
        b"\xba",
        b"\xe7",
        b"\xa3",
        b"\xa0",
        b"\xa1",
        b"\x9b",
        b"\xbb",
        b"\xb7",
        b"\xf1",
    ];
    let id = random.one_of(&IDS);
    let places: Vec<_> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(id)).collect();
    let start = *places.get(random.below(places.len()))?;
    let size = start + id.len();
    let width = bytes.get(size)?.leading_zeros() as usize + 1;
    let body = size + width;
    let value = bytes.get(size..body)?.iter().fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
    let value = value & ((1_u64 << (7 * width.min(8))) - 1);
    Some(Place { start, size, body, end: body.saturating_add(value as usize).min(bytes.len()) })
}

/// A number at the edge of some range, in either byte order.
fn number(random: &mut Random) -> Vec<u8> {
    let value =
        [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, u64::MAX >> 1, u64::MAX];
    let value = value[random.below(value.len())].wrapping_sub(random.below(3) as u64);
    let width = [1, 2, 3, 4, 8][random.below(5)];
    if random.below(2) == 0 { value.to_be_bytes()[8 - width..].to_vec() } else { value.to_le_bytes()[..width].to_vec() }
}

/// A variable-size integer of EBML, of any width and any size.
fn vint(random: &mut Random) -> Vec<u8> {
    let width = 1 + random.below(8);
    let bits = random.below(7 * width + 1);
    let value = random.next() & ((1_u64 << bits) - 1) & ((1 << (7 * width)) - 1);
    let value = if random.below(8) == 0 { (1 << (7 * width)) - 1 } else { value };
    (value | 1 << (7 * width)).to_be_bytes()[8 - width..].to_vec()
}

/// Numbers as they are written in texts, and invalid ones.
const NUMBERS: [&str; 24] = [
    "0",
    "1",
    "-1",
    "2",
    "255",
    "65535",
    "65536",
    "16384",
    "16385",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "4000000000",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999999",
    "1e999",
    "-1e38",
    "1e-45",
    "0.0000001",
    "NaN",
    "inf",
];

/// Tokens that are valid in some of the texts.
const MARKS: [&str; 32] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    ",",
    ";",
    ":",
    "=",
    "==",
    "+",
    "-",
    "*",
    "/",
    "%",
    "&",
    "|",
    "!",
    "~",
    "^",
    "\"",
    "'",
    "/*",
    "*/",
    "//",
    "\n",
    "é",
    "\u{0}",
    "\u{1b}[2J",
];

/// One of these texts, damaged in one to four places, token by token; `words` belong to its language.
pub fn text(random: &mut Random, texts: &[&str], words: &[&str]) -> Vec<u8> {
    let text = random.one_of(texts);
    let mut tokens: Vec<String> = tokens(text);
    for _ in 0..[1, 1, 2, 4][random.below(4)] {
        let range = random.range(tokens.len(), TOKENS);
        match random.below(8) {
            0 => drop(tokens.drain(range)),
            1 => {
                let times = [1, 3, 100, 5000][random.below(4)];
                let length: usize = tokens[range.clone()].iter().map(String::len).sum();
                let times = times.min((LONGEST / 4) / length.max(1));
                let again: Vec<_> = tokens[range.clone()].iter().cloned().cycle().take(times * range.len()).collect();
                tokens.splice(range.end..range.end, again);
            }
            2 => {
                let other = self::tokens(random.one_of(texts));
                let taken = random.range(other.len(), TOKENS);
                tokens.splice(range, other[taken].iter().cloned());
            }
            3 => {
                // A number is replaced by another one, if one follows.
                let is_number = |token: &String| token.starts_with(|c: char| c.is_ascii_digit());
                let at = tokens[range.start..].iter().position(is_number).map_or(range.start, |at| at + range.start);
                let end = (at + 1).min(tokens.len());
                tokens.splice(at..end, [random.one_of(&NUMBERS).to_owned()]);
            }
            4 => {
                // A stretch is inserted into itself.
                let (open, close) =
                    [("(", ")"), ("array<", ",4>"), ("rgb(from ", " r g b)"), ("-", "")][random.below(4)];
                let times = [1, 10, 300][random.below(3)];
                tokens.splice(range.start..range.start, [open.repeat(times)]);
                let end = (range.end + 1).min(tokens.len());
                tokens.splice(end..end, [close.repeat(times)]);
            }
            5 => {
                let one = [random.one_of(&MARKS).to_owned()];
                tokens.splice(range, one);
            }
            6 => {
                let one = [random.one_of(words).to_owned()];
                let end = range.end.min(range.start + random.below(2));
                tokens.splice(range.start..end.max(range.start), one);
            }
            _ => {
                let other = random.below(tokens.len().max(1));
                if range.start < tokens.len() {
                    tokens.swap(range.start, other);
                }
            }
        }
    }
    let mut text = tokens.concat().into_bytes();
    text.truncate(LONGEST);
    text
}

/// Splits into words, numbers, spaces and single marks.
fn tokens(text: &str) -> Vec<String> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' || c == '.' => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    let mut tokens = Vec::<String>::new();
    let mut last = 2;
    for c in text.chars() {
        match tokens.last_mut() {
            Some(token) if kind(c) == last && last < 2 => token.push(c),
            _ => tokens.push(c.to_string()),
        }
        last = kind(c);
    }
    tokens
}
