//! The boxes and texts over and below the picture, each drawn anew only when what it shows has changed.

use std::sync::Arc;

use framereel::Span;
use framereel::frame::Rect;

use super::bitmap::{BLUE, Bitmap, Color, DARK, GREEN, GREY, RED, SHADE, WHITE, fitted, text_width};
use super::layout::WindowLayout;
use super::painter::Panel;
use super::view::ViewState;
use crate::cli::progress::{QUIETEST, megabytes};

/// The size of text, in units.
const TEXT: f32 = 14.0;
const LABEL: f32 = 12.0;

/// The keys, as `h` explains them.
pub const KEYS: &[(&str, &str)] = &[
    ("1 to 9", "pick one of the first nine filters; 0: none"),
    ("left, right", "pick the filter before, or the next"),
    ("up, down", "change the filter's number"),
    ("enter", "go to the filter's next number"),
    ("a", "add: keep the filter, and pick another after it"),
    ("d", "drop the last filter of the chain"),
    ("c", "copy the chain as text"),
    ("b", "compare with the source; drag the line"),
    ("r", "record; again: stop"),
    ("p", "pause the recording; again: go on"),
    ("s", "save a picture (PNG)"),
    ("i", "save the instant replay"),
    ("g", "save a GIF of its last three seconds"),
    ("space", "stop the picture; again: go on"),
    ("f", "full screen"),
    ("tab", "hide the strip and the time line"),
    ("h", "this help"),
    ("q", "quit"),
];

/// The drawn boxes.
#[derive(Default)]
pub struct Hud {
    status: CachedBitmap,
    chain: CachedBitmap,
    message: CachedBitmap,
    timeline: CachedBitmap,
    strip: CachedBitmap,
    frame: CachedBitmap,
    line: CachedBitmap,
    help: CachedBitmap,
}

/// A bitmap, and all that it shows as text.
#[derive(Default)]
struct CachedBitmap(Option<(String, Arc<Bitmap>)>);

impl CachedBitmap {
    /// The bitmap that shows `content`, drawn only if another one is there.
    fn get(&mut self, content: impl std::fmt::Debug, draw: impl FnOnce() -> Bitmap) -> Arc<Bitmap> {
        let content = format!("{content:?}");
        match &self.0 {
            Some((known, bitmap)) if *known == content => bitmap.clone(),
            _ => {
                let bitmap = Arc::new(draw());
                self.0 = Some((content, bitmap.clone()));
                bitmap
            }
        }
    }
}

impl Hud {
    /// The panels of this state, the lowest first. `picture` is where the picture is; `thumbnails` are those of the
    /// layout's cells, in their order.
    pub fn panels(
        &mut self,
        state: &ViewState,
        layout: &WindowLayout,
        picture: Rect,
        thumbnails: &[Option<Arc<Bitmap>>],
    ) -> Vec<Panel> {
        let mut panels = Vec::new();
        let scale = layout.scale;
        if let Some(split) = state.split {
            let width = (2.0 * scale).round().max(1.0);
            let bitmap = self.line.get((width, picture.height), || {
                let mut bitmap = Bitmap::new(width as u32, picture.height as u32);
                bitmap.fill([0.0, 0.0, width as f32, picture.height as f32], 0.0, WHITE);
                bitmap
            });
            let x = (picture.x + picture.width * split - width / 2.0).round();
            panels.push(Panel { place: Rect::new(x, picture.y, width, picture.height), bitmap });
        }
        self.strip(&mut panels, state, layout, thumbnails);
        self.timeline(&mut panels, state, layout);
        self.status(&mut panels, state, layout);
        self.chain(&mut panels, state, layout);
        self.message(&mut panels, state, layout);
        if state.help {
            self.help(&mut panels, layout);
        }
        panels
    }

    /// The strip's background with its labels, the thumbnails, and a frame around the picked one.
    fn strip(
        &mut self,
        panels: &mut Vec<Panel>,
        state: &ViewState,
        layout: &WindowLayout,
        thumbnails: &[Option<Arc<Bitmap>>],
    ) {
        let Some(place) = layout.strip else { return };
        let scale = layout.scale as f32;
        let labels: Vec<_> = layout
            .cells
            .iter()
            .map(|&(index, _)| (index, state.choices.get(index).cloned().unwrap_or_default()))
            .collect();
        let bitmap = self.strip.get((&labels, state.selected, place.width, layout.scale), || {
            let mut bitmap = Bitmap::new(place.width as u32, place.height as u32);
            bitmap.fill([0.0, 0.0, place.width as f32, place.height as f32], 0.0, DARK);
            for ((index, label), (_, cell)) in labels.iter().zip(&layout.cells) {
                let color = if *index == state.selected { WHITE } else { GREY };
                let numbered = if *index < 10 { format!("{index}  {label}") } else { label.clone() };
                let size = LABEL * scale;
                let text = fitted(&numbered, size, cell.width as f32);
                let x = cell.x as f32 + (cell.width as f32 - text_width(&text, size)) / 2.0;
                let baseline = (cell.y - place.y + cell.height) as f32 + 14.0 * scale;
                bitmap.text(x, baseline, &text, size, color);
            }
            bitmap
        });
        panels.push(Panel { place, bitmap });
        for ((_, cell), bitmap) in layout.cells.iter().zip(thumbnails) {
            if let Some(bitmap) = bitmap {
                // Whole, in its aspect ratio.
                let (width, height) = (f64::from(bitmap.width), f64::from(bitmap.height));
                let fit = (cell.width / width).min(cell.height / height);
                let [width, height] = [width * fit, height * fit].map(f64::round);
                let (x, y) = (cell.x + (cell.width - width) / 2.0, cell.y + (cell.height - height) / 2.0);
                panels.push(Panel { place: Rect::new(x.round(), y.round(), width, height), bitmap: bitmap.clone() });
            }
        }
        if let Some((_, cell)) = layout.cells.iter().find(|(index, _)| *index == state.selected) {
            let border = (3.0 * layout.scale).round();
            let bitmap = self.frame.get((cell.width, cell.height), || {
                let (width, height) = (cell.width + 2.0 * border, cell.height + 2.0 * border);
                let mut bitmap = Bitmap::new(width as u32, height as u32);
                let (width, height, border) = (width as f32, height as f32, border as f32);
                for side in [
                    [0.0, 0.0, width, border],
                    [0.0, height - border, width, border],
                    [0.0, 0.0, border, height],
                    [width - border, 0.0, border, height],
                ] {
                    bitmap.fill(side, 0.0, BLUE);
                }
                bitmap
            });
            let (x, y) = (cell.x - border, cell.y - border);
            let (width, height) = (f64::from(bitmap.width), f64::from(bitmap.height));
            panels.push(Panel { place: Rect::new(x, y, width, height), bitmap });
        }
    }

    /// The film's position and length in text, and as a bar between.
    fn timeline(&mut self, panels: &mut Vec<Panel>, state: &ViewState, layout: &WindowLayout) {
        let (Some(place), Some((position, length))) = (layout.timeline, state.position) else { return };
        let tenths = |span: Span| (span.as_nanos().max(0) / 100_000_000) as u64;
        let scale = layout.scale as f32;
        let (begin, bar) = layout.bar(place);
        // The bar moves by pixels, the text by tenths of a second.
        let part = position.as_secs_f64() / length.as_secs_f64().max(1e-9);
        let filled = (bar * part.clamp(0.0, 1.0)).round();
        let (now, end) = (tenths(position), tenths(length));
        let bitmap = self.timeline.get((now, end, filled, place.width, layout.scale), || {
            let mut bitmap = Bitmap::new(place.width as u32, place.height as u32);
            bitmap.fill([0.0, 0.0, place.width as f32, place.height as f32], 0.0, DARK);
            let (middle, size) = (place.height as f32 / 2.0, LABEL * scale);
            let (begin, bar, filled) = ((begin - place.x) as f32, bar as f32, filled as f32);
            let thick = 4.0 * scale;
            bitmap.fill([begin, middle - thick / 2.0, bar, thick], thick / 2.0, [70, 73, 82, 255]);
            bitmap.fill([begin, middle - thick / 2.0, filled, thick], thick / 2.0, BLUE);
            let knob = 12.0 * scale;
            bitmap.fill([begin + filled - knob / 2.0, middle - knob / 2.0, knob, knob], knob, WHITE);
            if begin > 0.0 {
                let baseline = middle + size * 0.36;
                let text = clock(now);
                bitmap.text(begin - 14.0 * scale - text_width(&text, size), baseline, &text, size, WHITE);
                bitmap.text(begin + bar + 14.0 * scale, baseline, &clock(end), size, GREY);
            }
            bitmap
        });
        panels.push(Panel { place, bitmap });
    }

    /// A red dot, the time, the size, what was dropped, and the sound's level.
    fn status(&mut self, panels: &mut Vec<Panel>, state: &ViewState, layout: &WindowLayout) {
        let Some(recording) = state.recording else { return };
        let scale = layout.scale as f32;
        let bitmap = self.status.get((recording, layout.scale), || {
            let size = TEXT * scale;
            let mut text = format!("{}   {}", clock(recording.tenths), megabytes(recording.bytes));
            text += &format!("   {} dropped", recording.dropped);
            if recording.paused {
                text += "   paused";
            }
            let meter = if recording.level.is_some() { 90.0 * scale } else { 0.0 };
            let (left, height) = (28.0 * scale, 28.0 * scale);
            let text_end = left + text_width(&text, size);
            let width = text_end + meter + 12.0 * scale;
            let mut bitmap = Bitmap::new(width.ceil() as u32, height as u32);
            bitmap.fill([0.0, 0.0, width, height], 6.0 * scale, SHADE);
            let dot = 12.0 * scale;
            let color: Color = if recording.paused { [235, 64, 52, 90] } else { RED };
            bitmap.fill([9.0 * scale, (height - dot) / 2.0, dot, dot], dot, color);
            bitmap.text(left, height / 2.0 + size * 0.36, &text, size, WHITE);
            if let Some(level) = recording.level {
                let (x, thick) = (text_end + 12.0 * scale, 6.0 * scale);
                let full = meter - 14.0 * scale;
                let filled = full * (1.0 - level / QUIETEST).clamp(0.0, 1.0);
                bitmap.fill([x, (height - thick) / 2.0, full, thick], thick / 2.0, [70, 73, 82, 255]);
                let color = if level > -3.0 { RED } else { GREEN };
                bitmap.fill([x, (height - thick) / 2.0, filled, thick], thick / 2.0, color);
            }
            bitmap
        });
        push_at(panels, bitmap, 10.0 * layout.scale, 10.0 * layout.scale);
    }

    /// The chain and the number that keys change, above the strip.
    fn chain(&mut self, panels: &mut Vec<Panel>, state: &ViewState, layout: &WindowLayout) {
        if layout.strip.is_none() || (state.chain == "none" && state.number.is_none()) {
            return;
        }
        let scale = layout.scale as f32;
        let room = layout.picture.width as f32 - 40.0 * scale;
        let content = (&state.chain, &state.number, layout.scale, layout.picture.width);
        let bitmap = self.chain.get(content, || {
            let size = TEXT * scale;
            let number = state.number.as_ref().map(|number| format!("   {number}")).unwrap_or_default();
            let chain = fitted(&state.chain, size, room - text_width(&number, size));
            let (width, height) = (text_width(&chain, size) + text_width(&number, size) + 20.0 * scale, 28.0 * scale);
            let mut bitmap = Bitmap::new(width.ceil() as u32, height as u32);
            bitmap.fill([0.0, 0.0, width, height], 6.0 * scale, SHADE);
            let end = bitmap.text(10.0 * scale, height / 2.0 + size * 0.36, &chain, size, WHITE);
            bitmap.text(end, height / 2.0 + size * 0.36, &number, size, BLUE);
            bitmap
        });
        let y = layout.picture.height - 10.0 * layout.scale - f64::from(bitmap.height);
        push_at(panels, bitmap, 10.0 * layout.scale, y);
    }

    /// The message, or that the picture is stopped or at its end: above, in the middle.
    fn message(&mut self, panels: &mut Vec<Panel>, state: &ViewState, layout: &WindowLayout) {
        let standing = if state.ended {
            Some("the source has ended: space plays it again")
        } else if state.stopped {
            Some("stopped")
        } else {
            None
        };
        let text = state.message.as_ref().map(|(text, _)| text.as_str()).or(standing);
        let Some(text) = text.filter(|_| layout.picture.height > 40.0 * layout.scale) else { return };
        let scale = layout.scale as f32;
        let room = (layout.picture.width as f32 - 40.0 * scale).max(1.0);
        let bitmap = self.message.get((text, layout.scale, layout.picture.width), || {
            let size = TEXT * scale;
            let text = fitted(text, size, room);
            let (width, height) = (text_width(&text, size) + 24.0 * scale, 28.0 * scale);
            let mut bitmap = Bitmap::new(width.ceil() as u32, height as u32);
            bitmap.fill([0.0, 0.0, width, height], 6.0 * scale, SHADE);
            bitmap.text(12.0 * scale, height / 2.0 + size * 0.36, &text, size, WHITE);
            bitmap
        });
        let x = (layout.picture.width - f64::from(bitmap.width)) / 2.0;
        // Below the status of a recording where both need the room.
        push_at(panels, bitmap, x, if state.recording.is_some() { 46.0 } else { 10.0 } * layout.scale);
    }

    /// The keys, in the middle of the window; smaller where the window is small.
    fn help(&mut self, panels: &mut Vec<Panel>, layout: &WindowLayout) {
        let (width, height) = (f64::from(layout.size.width), f64::from(layout.size.height));
        let bitmap = self.help.get((layout.scale, width, height), || {
            let rows = KEYS.len() as f32;
            let scale = (layout.scale as f32).min(height as f32 / (rows * 20.0 + 40.0)).min(width as f32 / 460.0);
            let (size, row) = (TEXT * scale, 20.0 * scale);
            let widest = KEYS.iter().map(|(_, what)| text_width(what, size)).fold(0.0, f32::max);
            let (left, column, margin) = (20.0 * scale, 110.0 * scale, 18.0 * scale);
            let (width, height) = (left + column + widest + left, rows * row + 2.0 * margin);
            let mut bitmap = Bitmap::new(width.ceil() as u32, height.ceil() as u32);
            bitmap.fill([0.0, 0.0, width, height], 10.0 * scale, [14, 15, 18, 240]);
            for (index, (key, what)) in KEYS.iter().enumerate() {
                let baseline = margin + (index as f32 + 0.5) * row + size * 0.36;
                bitmap.text(left, baseline, key, size, BLUE);
                bitmap.text(left + column, baseline, what, size, WHITE);
            }
            bitmap
        });
        let (own_width, own_height) = (f64::from(bitmap.width), f64::from(bitmap.height));
        push_at(panels, bitmap, (width - own_width) / 2.0, (height - own_height) / 2.0);
    }
}

/// A panel of the bitmap's own size, on whole pixels.
fn push_at(panels: &mut Vec<Panel>, bitmap: Arc<Bitmap>, x: f64, y: f64) {
    let (width, height) = (f64::from(bitmap.width), f64::from(bitmap.height));
    panels.push(Panel { place: Rect::new(x.round(), y.round(), width, height), bitmap });
}

/// `1:02.3`.
fn clock(tenths: u64) -> String {
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use framereel::Size;

    use super::super::view::{RecordingView, View};
    use super::*;

    fn state() -> ViewState {
        View::new(channel().0, vec!["none".into(), "sepia".into(), "blur".into()]).state()
    }

    #[test]
    fn only_what_has_changed_is_drawn_again() {
        let layout = WindowLayout::new(Size::new(640, 360), 1.0, Some((3, 1)), true);
        let mut state = ViewState { selected: 1, chain: "sepia(1)".into(), ..state() };
        state.position = Some((Span::from_millis(500), Span::from_secs(5)));
        let mut hud = Hud::default();
        let picture = Rect::new(0.0, 0.0, 640.0, 254.0);
        let before = hud.panels(&state, &layout, picture, &[]);
        state.position = Some((Span::from_millis(900), Span::from_secs(5)));
        let after = hud.panels(&state, &layout, picture, &[]);
        assert_eq!(before.len(), after.len());
        let changed = before.iter().zip(&after).filter(|(a, b)| !Arc::ptr_eq(&a.bitmap, &b.bitmap)).count();
        assert_eq!(changed, 1, "the time line");
    }

    #[test]
    fn all_panels_fit_into_every_window() {
        let recording = RecordingView { tenths: 12_345, bytes: 1 << 30, dropped: 7, level: Some(-9.0), paused: false };
        for (size, scale) in [((320, 180), 1.0), ((640, 360), 1.0), ((1280, 720), 2.0), ((8192, 8192), 3.0)] {
            let size = Size::new(size.0, size.1);
            let layout = WindowLayout::new(size, scale, Some((3, 1)), true);
            let mut state = ViewState { help: true, recording: Some(recording), ..state() };
            state.chain = "sepia(1) blur(20px) ".repeat(20);
            state.message = Some(("a long message ".repeat(30), std::time::Instant::now()));
            state.position = Some((Span::from_secs(2), Span::from_secs(5)));
            for panel in Hud::default().panels(&state, &layout, layout.picture, &[]) {
                let Rect { x, y, width, height } = panel.place;
                let (right, bottom) = (f64::from(size.width), f64::from(size.height));
                let inside = x >= -3.0 && y >= -3.0 && x + width <= right + 3.0 && y + height <= bottom + 3.0;
                assert!(inside || size.width < 400, "{panel:?} in {size}");
            }
        }
    }

    #[test]
    fn times_are_written_with_tenths() {
        assert_eq!([clock(0), clock(123), clock(6_007)], ["0:00.0", "0:12.3", "10:00.7"]);
    }
}
