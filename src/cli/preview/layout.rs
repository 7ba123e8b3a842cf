//! Where things are in the window: the picture, and below it the time line and the strip of filters. Pure: sizes in,
//! rectangles out, all in the window's pixels.

use framereel::Size;
use framereel::frame::Rect;

/// A thumbnail's size, the distance between two, and the height of a label, at a scale of 1.
const CELL: [f64; 2] = [96.0, 54.0];
const GAP: f64 = 6.0;
const LABEL: f64 = 18.0;
/// The height of the time line.
const TIMELINE: f64 = 22.0;
/// The part of a window's height that may be taken from the picture.
const MOST: f64 = 0.45;

/// The rectangles of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowLayout {
    /// Pixels of a unit: 1 on an ordinary screen, 2 on one of high density.
    pub scale: f64,
    pub size: Size,
    /// Where the picture may be.
    pub picture: Rect,
    /// Where the time line is; none without a film or where it is hidden.
    pub timeline: Option<Rect>,
    /// Where the strip is.
    pub strip: Option<Rect>,
    /// The thumbnails that are in view: their numbers in the strip and their places.
    pub cells: Vec<(usize, Rect)>,
}

/// What is at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Hit {
    /// This thumbnail.
    Cell(usize),
    /// The time line, at this part of the film from 0 to 1.
    Timeline(f64),
    /// The picture, or nothing.
    Picture,
}

impl WindowLayout {
    /// The layout of a window of this size and scale: with the strip of `choices`, of which `selected` is in view, or
    /// without; with a time line or without.
    pub fn new(size: Size, scale: f64, strip: Option<(usize, usize)>, timeline: bool) -> Self {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let [cell_width, cell_height] = CELL.map(|side| (side * scale).round());
        let (gap, label, line) = ((GAP * scale).round(), (LABEL * scale).round(), (TIMELINE * scale).round());
        let strip_height = cell_height + label + 2.0 * gap;
        let strip = strip.filter(|_| strip_height <= height * MOST && width > cell_width);
        let line_height = if timeline && (line + strip_height) <= height * MOST + line { line } else { 0.0 };
        let bottom = if strip.is_some() { strip_height } else { 0.0 };
        let picture_height = (height - bottom - line_height).max(0.0);
        let mut cells = Vec::new();
        if let Some((choices, selected)) = strip {
            let step = cell_width + gap;
            let fit = (((width - gap) / step).floor() as usize).max(1);
            // The selected one is in the middle where there is room on both sides.
            let first = selected.saturating_sub(fit / 2).min(choices.saturating_sub(fit));
            let top = height - strip_height + gap;
            cells = (first..choices.min(first + fit))
                .map(|index| {
                    let x = gap + (index - first) as f64 * step;
                    (index, Rect::new(x, top, cell_width, cell_height))
                })
                .collect();
        }
        Self {
            scale,
            size,
            picture: Rect::new(0.0, 0.0, width, picture_height),
            timeline: (line_height > 0.0).then(|| Rect::new(0.0, picture_height, width, line_height)),
            strip: strip.map(|_| Rect::new(0.0, height - strip_height, width, strip_height)),
            cells,
        }
    }

    /// What is at this point.
    pub fn hit(&self, x: f64, y: f64) -> Hit {
        let within =
            |rect: &Rect| (rect.x..rect.x + rect.width).contains(&x) && (rect.y..rect.y + rect.height).contains(&y);
        let label = LABEL * self.scale;
        let cell = self.cells.iter().find(|(_, cell)| within(&Rect { height: cell.height + label, ..*cell }));
        if let Some(&(index, _)) = cell {
            return Hit::Cell(index);
        }
        match self.timeline.filter(within) {
            Some(line) => Hit::Timeline(self.along(line, x)),
            None => Hit::Picture,
        }
    }

    /// The part of the film at `x` of the time line, from 0 to 1.
    pub fn time_at(&self, x: f64) -> Option<f64> {
        self.timeline.map(|line| self.along(line, x))
    }

    /// The left end of the time line's bar, and its length.
    pub fn bar(&self, line: Rect) -> (f64, f64) {
        let margin = 64.0 * self.scale;
        if line.width < 4.0 * margin { (line.x, line.width) } else { (line.x + margin, line.width - 2.0 * margin) }
    }

    fn along(&self, line: Rect, x: f64) -> f64 {
        let (begin, length) = self.bar(line);
        ((x - begin) / length.max(1.0)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_takes_its_height_from_the_picture_and_shows_the_selected_filter() {
        let size = Size::new(640, 360);
        let layout = WindowLayout::new(size, 1.0, Some((34, 20)), true);
        assert_eq!(layout.picture.height, 360.0 - 84.0 - 22.0);
        assert_eq!(layout.cells.len(), 6);
        assert!(layout.cells.iter().any(|(index, _)| *index == 20));
        assert!(layout.cells.iter().all(|(_, cell)| cell.x >= 0.0 && cell.x + cell.width <= 640.0));
        assert_eq!(WindowLayout::new(size, 1.0, Some((34, 33)), true).cells.last().unwrap().0, 33);
        assert_eq!(WindowLayout::new(size, 1.0, Some((34, 0)), true).cells[0].0, 0);
        let hidden = WindowLayout::new(size, 1.0, None, false);
        assert_eq!((hidden.picture, hidden.cells.len()), (Rect::whole(size), 0));
    }

    #[test]
    fn twice_the_density_is_the_same_picture_with_twice_the_pixels() {
        let one = WindowLayout::new(Size::new(640, 360), 1.0, Some((34, 3)), true);
        let two = WindowLayout::new(Size::new(1280, 720), 2.0, Some((34, 3)), true);
        assert_eq!(two.picture.height, 2.0 * one.picture.height);
        let cells = |layout: &WindowLayout, factor: f64| -> Vec<_> {
            layout.cells.iter().map(|(index, cell)| (*index, cell.x * factor, cell.width * factor)).collect()
        };
        assert_eq!(cells(&two, 1.0), cells(&one, 2.0));
    }

    #[test]
    fn a_small_window_is_all_picture() {
        for size in [Size::new(1, 1), Size::new(100, 60), Size::new(0, 0), Size::new(40, 2000)] {
            let layout = WindowLayout::new(size, 1.0, Some((34, 3)), false);
            assert_eq!((layout.picture, layout.strip), (Rect::whole(size), None), "{size}");
        }
    }

    #[test]
    fn a_point_is_on_a_thumbnail_the_time_line_or_the_picture() {
        let layout = WindowLayout::new(Size::new(640, 360), 1.0, Some((34, 0)), true);
        assert_eq!(layout.hit(10.0, 10.0), Hit::Picture);
        assert_eq!(layout.hit(50.0, 300.0), Hit::Cell(0));
        assert_eq!(layout.hit(7.0, 345.0), Hit::Cell(0), "its label");
        assert_eq!(layout.hit(320.0, 262.0), Hit::Timeline(0.5));
        assert_eq!(layout.hit(639.0, 262.0), Hit::Timeline(1.0));
        assert_eq!(layout.hit(3.0, 300.0), Hit::Picture, "between two");
    }
}
