//! Places several pictures on one canvas. Pure: computes rectangles for
//! [`Canvas::draw_image`](super::Canvas::draw_image) in whole pixels of the canvas, so that nothing is blurred.

use std::str::FromStr;

use crate::error::{Error, Result};
use crate::frame::{Rect, Size};

/// The margin of a picture in a corner, as a part of the canvas's width.
const MARGIN: f64 = 0.02;
/// The default width of a picture in a corner, as a part of the canvas's width.
const USUAL_PART: f64 = 0.25;

/// The rectangles of pictures of these sizes in equal cells, row by row: as many columns as rows, or one more. Each
/// picture is shown completely, as large as its cell allows, and centred in it. A picture without pixels gets an empty
/// rectangle.
///
/// ```
/// # use framereel::{canvas::layout::grid, frame::{Rect, Size}};
/// let halves = grid(Size::new(1280, 720), &[Size::new(640, 480), Size::new(1920, 1080)]);
/// assert_eq!(halves, [Rect::new(0.0, 120.0, 640.0, 480.0), Rect::new(640.0, 180.0, 640.0, 360.0)]);
/// ```
pub fn grid(canvas: Size, pictures: &[Size]) -> Vec<Rect> {
    let columns = (pictures.len() as f64).sqrt().ceil() as usize;
    let rows = pictures.len().div_ceil(columns.max(1));
    let cell = |index: usize| {
        let (column, row) = (index % columns, index / columns);
        let [left, right] = [column, column + 1].map(|column| share(canvas.width, column, columns));
        let [top, bottom] = [row, row + 1].map(|row| share(canvas.height, row, rows));
        Rect::new(left, top, right - left, bottom - top)
    };
    pictures.iter().enumerate().map(|(index, &picture)| centred(picture, cell(index))).collect()
}

/// The beginning of part `index` of `parts` equal parts, rounded to a whole pixel.
fn share(length: u32, index: usize, parts: usize) -> f64 {
    (f64::from(length) * index as f64 / parts as f64).round()
}

/// The largest rectangle of a picture that fits into `cell`, centred in it.
fn centred(picture: Size, cell: Rect) -> Rect {
    let (width, height) = fitted(picture, cell.width, cell.height);
    let x = cell.x + ((cell.width - width) / 2.0).round();
    let y = cell.y + ((cell.height - height) / 2.0).round();
    Rect::new(x, y, width, height)
}

/// The largest width and height within these bounds that keep the picture's aspect ratio.
fn fitted(picture: Size, width: f64, height: f64) -> (f64, f64) {
    if picture.pixels() == 0 {
        return (0.0, 0.0);
    }
    let (own_width, own_height) = (f64::from(picture.width), f64::from(picture.height));
    let scale = (width / own_width).min(height / own_height);
    ((own_width * scale).round(), (own_height * scale).round())
}

/// The place of a picture on a canvas: `right-bottom,25%`, `center`, or exact pixels, `10,20,320x240`.
///
/// ```
/// # use framereel::{canvas::layout::OverlayPlace, frame::{Rect, Size}};
/// # fn main() -> framereel::Result<()> {
/// let place: OverlayPlace = "right-bottom,25%".parse()?;
/// let camera = place.rect(Size::new(1000, 600), Size::new(640, 480));
/// assert_eq!(camera, Rect::new(730.0, 392.0, 250.0, 188.0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum OverlayPlace {
    /// In a corner or in the middle.
    Anchored {
        /// The corner, or the middle.
        anchor: Anchor,
        /// The picture's width as a part of the canvas's width: above 0, at most 1.
        part: f64,
    },
    /// In exactly this rectangle of the canvas; the picture is stretched if needed.
    Exact(Rect),
}

/// A corner of the canvas, or its middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// `left-top`
    LeftTop,
    /// `right-top`
    RightTop,
    /// `left-bottom`
    LeftBottom,
    /// `right-bottom`
    RightBottom,
    /// `center`: the middle.
    Center,
}

impl OverlayPlace {
    /// The rectangle of a picture on a canvas. A picture in a corner keeps its aspect ratio and a margin of 2 % of the
    /// canvas's width; where it would be too high, it is made smaller.
    pub fn rect(&self, canvas: Size, picture: Size) -> Rect {
        let (anchor, part) = match *self {
            Self::Exact(rect) => return rect,
            Self::Anchored { anchor, part } => (anchor, part),
        };
        let (width, height) = (f64::from(canvas.width), f64::from(canvas.height));
        let margin = if anchor == Anchor::Center { 0.0 } else { (width * MARGIN).round() };
        let space = [width - 2.0 * margin, height - 2.0 * margin].map(|space| space.max(0.0));
        let (own_width, own_height) = fitted(picture, (width * part).min(space[0]), space[1]);
        let (right, bottom) = (width - margin - own_width, height - margin - own_height);
        let (x, y) = match anchor {
            Anchor::LeftTop => (margin, margin),
            Anchor::RightTop => (right, margin),
            Anchor::LeftBottom => (margin, bottom),
            Anchor::RightBottom => (right, bottom),
            Anchor::Center => ((right / 2.0).round(), (bottom / 2.0).round()),
        };
        Rect::new(x, y, own_width, own_height)
    }
}

impl FromStr for OverlayPlace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let place = anchored(text).or_else(|| exact(text));
        place.ok_or_else(|| {
            Error::syntax(format!(
                "expected a place such as right-bottom,25% or 10,20,320x240 but found \"{text}\"; the corners are \
                 left-top, right-top, left-bottom, right-bottom and center, the size is above 0% and at most 100%"
            ))
        })
    }
}

/// `right-bottom,25%` or `right-bottom`.
fn anchored(text: &str) -> Option<OverlayPlace> {
    let (name, part) = match text.split_once(',') {
        Some((name, percent)) => (name, percent.strip_suffix('%')?.parse::<f64>().ok()? / 100.0),
        None => (text, USUAL_PART),
    };
    let anchor = match name {
        "left-top" => Anchor::LeftTop,
        "right-top" => Anchor::RightTop,
        "left-bottom" => Anchor::LeftBottom,
        "right-bottom" => Anchor::RightBottom,
        "center" => Anchor::Center,
        _ => return None,
    };
    (part > 0.0 && part <= 1.0).then_some(OverlayPlace::Anchored { anchor, part })
}

/// `10,20,320x240`: left, top, width, height.
fn exact(text: &str) -> Option<OverlayPlace> {
    let (x, rest) = text.split_once(',')?;
    let (y, size) = rest.split_once(',')?;
    let (width, height) = size.split_once('x')?;
    let [x, y] = [x, y].map(|number| number.parse::<i32>().ok().map(f64::from));
    let [width, height] = [width, height].map(|number| number.parse::<u32>().ok().filter(|&length| length > 0));
    Some(OverlayPlace::Exact(Rect::new(x?, y?, f64::from(width?), f64::from(height?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: Size = Size::new(1280, 720);

    #[test]
    fn a_grid_has_as_many_columns_as_rows_or_one_more() {
        let places = |count: usize| {
            let rects = grid(HD, &vec![HD; count]);
            rects.iter().map(|rect| (rect.x as i32, rect.y as i32, rect.width as i32)).collect::<Vec<_>>()
        };
        assert_eq!(places(0), []);
        assert_eq!(places(1), [(0, 0, 1280)]);
        assert_eq!(places(2), [(0, 180, 640), (640, 180, 640)]);
        assert_eq!(places(3), [(0, 0, 640), (640, 0, 640), (0, 360, 640)]);
        assert_eq!(places(4)[3], (640, 360, 640));
        assert_eq!(places(5), [(0, 60, 427), (427, 60, 426), (853, 60, 427), (0, 420, 427), (427, 420, 426)]);
        assert_eq!(places(7).len(), 7);
    }

    #[test]
    fn every_picture_of_a_grid_is_whole_keeps_its_shape_and_overlaps_no_other() {
        let sizes = [Size::new(640, 480), Size::new(100, 900), HD, Size::new(5, 5), Size::new(3000, 20), HD, HD];
        for canvas in [HD, Size::new(77, 501), Size::new(640, 1)] {
            let rects = grid(canvas, &sizes);
            for (index, (rect, size)) in rects.iter().zip(sizes).enumerate() {
                assert!(rect.x >= 0.0 && rect.x + rect.width <= f64::from(canvas.width), "{rect:?}");
                assert!(rect.y >= 0.0 && rect.y + rect.height <= f64::from(canvas.height), "{rect:?}");
                // To the pixel that lengths are rounded to.
                let expected = rect.width * f64::from(size.height) / f64::from(size.width);
                let pixel = 0.5 + 0.5 * f64::from(size.height) / f64::from(size.width);
                assert!((rect.height - expected).abs() <= pixel + 1e-9, "{rect:?} for {size}");
                let apart = |other: &Rect| {
                    rect.x + rect.width <= other.x
                        || other.x + other.width <= rect.x
                        || rect.y + rect.height <= other.y
                        || other.y + other.height <= rect.y
                };
                assert!(rects[index + 1..].iter().all(apart), "{rect:?} overlaps on {canvas}");
            }
        }
        assert_eq!(grid(HD, &[Size::new(0, 5)])[0].width, 0.0);
    }

    #[test]
    fn a_corner_keeps_a_margin_and_the_picture_its_shape() {
        let canvas = Size::new(1000, 500);
        let rect = |text: &str| text.parse::<OverlayPlace>().unwrap().rect(canvas, Size::new(400, 200));
        assert_eq!(rect("left-top,30%"), Rect::new(20.0, 20.0, 300.0, 150.0));
        assert_eq!(rect("right-top,30%"), Rect::new(680.0, 20.0, 300.0, 150.0));
        assert_eq!(rect("left-bottom,30%"), Rect::new(20.0, 330.0, 300.0, 150.0));
        assert_eq!(rect("right-bottom,30%"), Rect::new(680.0, 330.0, 300.0, 150.0));
        assert_eq!(rect("right-bottom"), rect("right-bottom,25%"));
        assert_eq!(rect("center,100%"), Rect::new(0.0, 0.0, 1000.0, 500.0));
        assert_eq!(rect("center,12.5%"), Rect::new(438.0, 219.0, 125.0, 63.0));
        assert_eq!(rect("-10,20,320x240"), Rect::new(-10.0, 20.0, 320.0, 240.0));
        // Upright pictures stay within the borders.
        let upright = "right-bottom,90%".parse::<OverlayPlace>().unwrap().rect(canvas, Size::new(100, 460));
        assert_eq!(upright, Rect::new(880.0, 20.0, 100.0, 460.0));
    }

    #[test]
    fn what_is_no_place_is_an_error_that_shows_one() {
        for text in [
            "",
            "right",
            "bottom-right,25%",
            "right-bottom,25",
            "right-bottom,0%",
            "right-bottom,101%",
            "right-bottom,NaN%",
            "right-bottom,",
            "right-bottom,25%,3",
            "10,20",
            "10,20,320",
            "10,20,0x5",
            "a,b,1x1",
            "1.5,2,3x4",
            "10,20,-3x4",
        ] {
            let error = text.parse::<OverlayPlace>().unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with("expected a place such as right-bottom,25%"), "{message}");
            assert!(message.contains(&format!("found \"{text}\"")), "{message}");
        }
    }
}
