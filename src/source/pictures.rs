//! Picture files as a film: each is one frame. PNG, JPEG, WebP and BMP, read one at a time.
//!
//! # Budget
//! One picture is in memory at a time, within the limits of `image.rs`. Of a folder, at most a million names are read.

use std::cmp::Ordering;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use image::ImageFormat;

use super::image::{DEFAULT_RATE, decode, sniff};
use super::{Source, SourceInfo, SourceOptions, start_beyond_end};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::time::{FrameRate, Span};

/// The most names of a folder that are read.
const MAX_NAMES: usize = 1_000_000;
/// Enough bytes of a file to see whether it is a picture.
const HEAD: u64 = 32;

/// Gives picture files as frames, each shown equally long. Pictures of another size than the first are given as they
/// are; a canvas fits them.
#[derive(Debug)]
pub struct PicturesSource {
    info: SourceInfo,
    rate: FrameRate,
    paths: Vec<PathBuf>,
    /// The picture to give next, and the first one.
    next: usize,
    first: usize,
    /// Whether the first one has transparency.
    has_alpha: bool,
}

impl PicturesSource {
    /// These files in their order, at [`SourceOptions::rate`], by default 25 a second.
    ///
    /// # Errors
    /// When there is none, when the first cannot be read, and a range error for a start beyond the last.
    pub fn open(paths: Vec<PathBuf>, options: &SourceOptions) -> Result<Self> {
        let rate = options.rate.unwrap_or(DEFAULT_RATE);
        let start = options.start.unwrap_or(Span::ZERO);
        let skipped = (start.as_secs_f64() * rate.as_f64() + 1e-6) as usize;
        if skipped > 0 && skipped >= paths.len() {
            return Err(start_beyond_end(start, rate.timestamp(paths.len() as u64) - rate.timestamp(0)));
        }
        let first = paths.get(skipped).ok_or_else(|| Error::not_readable("expected pictures but found none"))?;
        let picture = read(first)?;
        let (size, has_alpha) = (picture.size(), picture.data().chunks_exact(4).any(|pixel| pixel[3] < u8::MAX));
        let frames = (paths.len() - skipped) as u64;
        let info = SourceInfo { kind: "pictures", size, rate: Some(rate), frames: Some(frames), endless: false };
        Ok(Self { info, rate, paths, next: skipped, first: skipped, has_alpha })
    }

    /// The pictures in a folder, sorted as a person would: `2.png` before `10.png`. Other files are left out, and so are
    /// those whose name begins with a dot.
    ///
    /// # Errors
    /// When the folder cannot be read or holds no picture, or a file whose name is that of a picture is none.
    pub fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(folder).map_err(|error| Error::reading(folder, error))?;
        let mut pictures = Vec::new();
        for entry in entries.take(MAX_NAMES) {
            let entry = entry.map_err(|error| Error::reading(folder, error))?;
            let path = entry.path();
            if !path.is_file() || entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match format_of(&path) {
                Ok(_) => pictures.push(path),
                // A film that lacks one of its pictures would look whole.
                Err(error) if has_pictures_name(&path) => return Err(error),
                Err(_) => {}
            }
        }
        if pictures.is_empty() {
            let expected = "expected a film or a picture, or a folder with pictures, but found a directory without any";
            return Err(Error::not_readable(expected).at(folder.display()));
        }
        sort(&mut pictures);
        Ok(pictures)
    }
}

impl Source for PicturesSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn has_alpha(&self) -> bool {
        self.has_alpha
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        let Some(path) = self.paths.get(self.next) else { return Ok(None) };
        let timestamp = self.rate.timestamp((self.next - self.first) as u64);
        self.next += 1;
        Ok(Some(read(path)?.with_timestamp(timestamp)))
    }
}

fn read(path: &Path) -> Result<Frame> {
    decode(path, format_of(path)?)
}

/// The format of a picture, by its first bytes.
/// Whether a name ends as those of pictures do.
fn has_pictures_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["png", "jpg", "jpeg", "webp", "bmp"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

fn format_of(path: &Path) -> Result<ImageFormat> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(|error| Error::reading(path, error))?;
    file.take(HEAD).read_to_end(&mut head).map_err(|error| Error::reading(path, error))?;
    sniff(&head).ok_or_else(|| {
        let found = super::describe(&head);
        Error::not_readable(format!("expected a PNG, JPEG, WebP or BMP picture but found {found}")).at(path.display())
    })
}

/// Sorts files as a person would if they are in the order of their bytes, in which a shell expands `*.png`; any other
/// order was meant, and stays.
pub fn sort_as_meant(paths: &mut [PathBuf]) {
    let name = |path: &PathBuf| path.to_string_lossy().into_owned();
    if paths.is_sorted_by_key(name) || paths.is_sorted_by_key(|path| name(path).to_lowercase()) {
        sort(paths);
    }
}

fn sort(paths: &mut [PathBuf]) {
    paths.sort_by(|a, b| compare(&a.to_string_lossy(), &b.to_string_lossy()));
}

/// Compares names so that numbers in them count as numbers, and case only where nothing else differs.
fn compare(a: &str, b: &str) -> Ordering {
    let folded = (parts(&a.to_lowercase()), parts(&b.to_lowercase()));
    folded.0.cmp(&folded.1).then_with(|| a.cmp(b))
}

/// A name in pieces: text, and numbers without leading zeros with how many digits they have, so that they compare as
/// numbers of any length.
fn parts(name: &str) -> Vec<(bool, usize, String)> {
    let mut parts: Vec<(bool, usize, String)> = Vec::new();
    for character in name.chars() {
        let is_digit = character.is_ascii_digit();
        match parts.last_mut() {
            Some((was_digit, _, text)) if *was_digit == is_digit => text.push(character),
            _ => parts.push((is_digit, 0, character.to_string())),
        }
    }
    for (_, digits, text) in parts.iter_mut().filter(|(is_digit, ..)| *is_digit) {
        *text = text.trim_start_matches('0').to_owned();
        *digits = text.len();
    }
    // A number comes before text.
    parts.iter_mut().for_each(|(is_digit, ..)| *is_digit = !*is_digit);
    parts
}

#[cfg(test)]
mod tests {
    use image::RgbaImage;

    use super::*;

    fn folder_of(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (index, name) in names.iter().enumerate() {
            let picture = RgbaImage::from_pixel(4, 2, image::Rgba([index as u8, 0, 0, 255]));
            picture.save(folder.path().join(name)).unwrap();
        }
        folder
    }

    #[test]
    fn names_are_sorted_as_a_person_would() {
        let order = ["1.png", "2.png", "10.png", "a1b.png", "A2.png", "a10.png", "b.png", "ä.png"];
        let mut mixed: Vec<PathBuf> = order.iter().rev().map(PathBuf::from).collect();
        sort(&mut mixed);
        assert_eq!(mixed, order.map(PathBuf::from));
        // As a shell expands `*.png`.
        let mut expanded = ["f1.png", "f10.png", "f2.png"].map(PathBuf::from);
        sort_as_meant(&mut expanded);
        assert_eq!(expanded, ["f1.png", "f2.png", "f10.png"].map(PathBuf::from));
        let meant = ["f3.png", "f1.png", "f2.png"].map(PathBuf::from);
        let mut kept = meant.clone();
        sort_as_meant(&mut kept);
        assert_eq!(kept, meant, "another order was meant");
    }

    #[test]
    fn pictures_of_a_folder_are_frames_in_order_and_other_files_are_left_out() {
        let folder = folder_of(&["2.png", "10.webp", "1.bmp"]);
        std::fs::write(folder.path().join("times.json"), "[]").unwrap();
        std::fs::write(folder.path().join("._1.png"), "of macOS").unwrap();
        let paths = PicturesSource::in_folder(folder.path()).unwrap();
        let options = SourceOptions::default().with_rate(FrameRate::whole(10));
        let mut source = PicturesSource::open(paths.clone(), &options).unwrap();
        assert_eq!((source.info().frames, source.info().endless), (Some(3), false));
        let mut seen = Vec::new();
        while let Some(frame) = source.next_frame().unwrap() {
            seen.push((frame.data()[0], frame.timestamp.as_nanos() / 1_000_000));
        }
        assert_eq!(seen, [(2, 0), (0, 100), (1, 200)]);
        let late = options.clone().with_start(Span::from_millis(200));
        let mut source = PicturesSource::open(paths.clone(), &late).unwrap();
        assert_eq!(source.next_frame().unwrap().map(|frame| frame.data()[0]), Some(1));
        let beyond = PicturesSource::open(paths, &options.with_start(Span::from_millis(300))).unwrap_err();
        assert!(beyond.to_string().contains("but found 0.3s"), "{beyond}");
    }

    #[test]
    fn a_damaged_picture_is_named_and_those_before_it_are_given() {
        let folder = folder_of(&["1.png", "2.png", "3.png"]);
        let damaged = folder.path().join("2.png");
        let whole = std::fs::read(&damaged).unwrap();
        std::fs::write(&damaged, &whole[..whole.len() / 2]).unwrap();
        let paths = PicturesSource::in_folder(folder.path()).unwrap();
        let mut source = PicturesSource::open(paths, &SourceOptions::default()).unwrap();
        assert!(source.next_frame().unwrap().is_some());
        let error = source.next_frame().unwrap_err().to_string();
        assert!(error.contains("2.png") && error.contains("expected a whole PNG"), "{error}");
        // A film that lacks a picture would look whole.
        std::fs::write(&damaged, "").unwrap();
        let error = PicturesSource::in_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("2.png") && error.contains("expected a PNG"), "{error}");
        let empty = tempfile::tempdir().unwrap();
        assert!(PicturesSource::in_folder(empty.path()).unwrap_err().to_string().contains("without any"));
    }
}
