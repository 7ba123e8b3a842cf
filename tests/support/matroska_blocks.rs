//! Reads the blocks of a whole Matroska file in a few lines, with their additional data. It shares no code with
//! framereel, and knows no damage.

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatroskaBlock {
    pub track: u8,
    pub millis: i64,
    pub key: bool,
    pub data: Vec<u8>,
    /// What `BlockAdditional` holds.
    pub additional: Option<Vec<u8>>,
}

/// The elements in these bytes: their IDs and data. A size that is not known goes to the end.
fn elements(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let id_width = bytes[0].leading_zeros() as usize + 1;
        let id = bytes[..id_width].iter().fold(0, |id, &byte| id << 8 | u32::from(byte));
        let width = bytes[id_width].leading_zeros() as usize + 1;
        let size = &bytes[id_width..id_width + width];
        let size = size.iter().fold(0_u64, |size, &byte| size << 8 | u64::from(byte)) & ((1 << (7 * width)) - 1);
        let rest = &bytes[id_width + width..];
        let len = if size == (1 << (7 * width)) - 1 { rest.len() } else { size as usize };
        found.push((id, &rest[..len]));
        bytes = &rest[len..];
    }
    found
}

fn child(bytes: &[u8], wanted: u32) -> Option<&[u8]> {
    elements(bytes).into_iter().find(|(id, _)| *id == wanted).map(|(_, data)| data)
}

/// The data of this child of the first track's entry.
pub fn of_first_track(file: &[u8], wanted: u32) -> Option<Vec<u8>> {
    let entry = child(child(child(file, 0x1853_8067)?, 0x1654_ae6b)?, 0xae)?;
    child(entry, wanted).or_else(|| child(child(entry, 0xe0)?, wanted)).map(<[u8]>::to_vec)
}

/// All blocks in the file's order.
pub fn blocks(file: &[u8]) -> Vec<MatroskaBlock> {
    let segment = child(file, 0x1853_8067).expect("a segment");
    let mut found = Vec::new();
    for (_, cluster) in elements(segment).into_iter().filter(|(id, _)| *id == 0x1f43_b675) {
        let mut base = 0;
        for (id, data) in elements(cluster) {
            match id {
                0xe7 => base = data.iter().fold(0, |time, &byte| time << 8 | i64::from(byte)),
                0xa3 => found.push(block(base, data, data[3] & 0x80 != 0, None)),
                0xa0 => {
                    let additional = child(data, 0x75a1).and_then(|more| child(child(more, 0xa6)?, 0xa5));
                    let key = child(data, 0xfb).is_none();
                    found.push(block(base, child(data, 0xa1).expect("a block"), key, additional));
                }
                _ => {}
            }
        }
    }
    found
}

fn block(base: i64, bytes: &[u8], key: bool, additional: Option<&[u8]>) -> MatroskaBlock {
    let millis = base + i64::from(i16::from_be_bytes([bytes[1], bytes[2]]));
    MatroskaBlock {
        track: bytes[0] & 0x7f,
        millis,
        key,
        data: bytes[4..].to_vec(),
        additional: additional.map(<[u8]>::to_vec),
    }
}
