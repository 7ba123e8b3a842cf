//! GIF's compression (GIF89a, appendix F): LZW with codes of up to 12 bits, for pictures in which some pixels may as well
//! be transparent.
//!
//! Where a pixel shows already what it is to show, its own colour and "transparent" look the same. The compressor takes
//! whichever continues the present string, so that both long runs of transparency and repetitions of a pattern stay
//! whole.

/// The most codes of a dictionary.
const CODES: usize = 4096;
/// Slots of the hash table; a power of two.
const SLOTS: usize = 4 * CODES;
/// No code.
const NONE: u16 = u16::MAX;

/// A compressor, whose memory is used again for each picture.
#[derive(Debug)]
pub struct Lzw {
    /// Strings by their beginning's code and their last index: that key, and their code.
    keys: Vec<u32>,
    codes: Vec<u16>,
}

impl Lzw {
    pub fn new() -> Self {
        Self { keys: vec![u32::MAX; SLOTS], codes: vec![0; SLOTS] }
    }

    /// Appends the image data (GIF89a §22) of these indices: the code size, the sub-blocks, and the terminator. All
    /// indices are below `colors`. A pixel for which `free` is true may have the index `transparent` as well.
    pub fn append(&mut self, indices: &[u8], free: &[bool], transparent: Option<u8>, colors: usize, to: &mut Vec<u8>) {
        // One bit a pixel is written as two: the code for "clear" needs to be 4 or more.
        let code_size = colors.max(4).next_power_of_two().trailing_zeros();
        to.push(code_size as u8);
        let mut bits = CodeBits::new(to);
        let clear = 1_u16 << code_size;
        let mut width = code_size + 1;
        let mut next = clear + 2;
        self.keys.fill(u32::MAX);
        bits.push(clear, width);
        let mut prefix = NONE;
        for (&index, &free) in indices.iter().zip(free) {
            let other = transparent.filter(|_| free);
            if prefix == NONE {
                prefix = other.unwrap_or(index).into();
                continue;
            }
            let found = other.and_then(|other| self.find(prefix, other)).or_else(|| self.find(prefix, index));
            if let Some(code) = found {
                prefix = code;
                continue;
            }
            bits.push(prefix, width);
            let last = other.unwrap_or(index);
            if usize::from(next) < CODES {
                self.insert(prefix, last, next);
                // The decoder is one string behind.
                if next == 1 << width {
                    width += 1;
                }
                next += 1;
            } else {
                bits.push(clear, width);
                (width, next) = (code_size + 1, clear + 2);
                self.keys.fill(u32::MAX);
            }
            prefix = last.into();
        }
        if prefix != NONE {
            bits.push(prefix, width);
            // The decoder adds a string after each code but the first.
            if next == 1 << width && width < 12 {
                width += 1;
            }
        }
        bits.push(clear + 1, width);
        bits.finish();
    }

    fn slot(&self, key: u32) -> usize {
        let mut slot = (key.wrapping_mul(0x9E37_79B1) >> (32 - SLOTS.trailing_zeros())) as usize;
        while self.keys[slot] != u32::MAX && self.keys[slot] != key {
            slot = (slot + 1) % SLOTS;
        }
        slot
    }

    fn find(&self, prefix: u16, last: u8) -> Option<u16> {
        let key = u32::from(prefix) << 8 | u32::from(last);
        let slot = self.slot(key);
        (self.keys[slot] == key).then(|| self.codes[slot])
    }

    fn insert(&mut self, prefix: u16, last: u8, code: u16) {
        let key = u32::from(prefix) << 8 | u32::from(last);
        let slot = self.slot(key);
        (self.keys[slot], self.codes[slot]) = (key, code);
    }
}

/// Codes of some bits, the lowest first, in sub-blocks of at most 255 bytes (GIF89a §15).
struct CodeBits<'a> {
    to: &'a mut Vec<u8>,
    /// Where the length of the present sub-block is.
    block: usize,
    held: u32,
    count: u32,
}

impl<'a> CodeBits<'a> {
    fn new(to: &'a mut Vec<u8>) -> Self {
        let block = to.len();
        to.push(0);
        Self { to, block, held: 0, count: 0 }
    }

    fn push(&mut self, code: u16, width: u32) {
        self.held |= u32::from(code) << self.count;
        self.count += width;
        while self.count >= 8 {
            self.byte();
            self.count -= 8;
        }
    }

    fn byte(&mut self) {
        self.to.push(self.held as u8);
        self.held >>= 8;
        self.to[self.block] += 1;
        if self.to[self.block] == 255 {
            self.block = self.to.len();
            self.to.push(0);
        }
    }

    fn finish(mut self) {
        if self.count > 0 {
            self.byte();
        }
        // An empty sub-block is the terminator.
        if self.to[self.block] > 0 {
            self.to.push(0);
        }
    }
}
