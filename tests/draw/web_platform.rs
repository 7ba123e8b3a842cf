//! Subtests of web-platform-tests (html/canvas, `2d.drawImage`), under their own names.

use super::*;

const INFINITY: f64 = f64::INFINITY;

fn green() -> Frame {
    plain(100, 50, GREEN)
}

fn red() -> Frame {
    plain(100, 50, RED)
}

/// ggrr-256x256.png: green above red.
fn green_above_red() -> Frame {
    picture(256, 256, |_, y| if y < 128 { GREEN } else { RED })
}

/// rgrg-256x256.png: red left of green.
fn red_left_of_green() -> Frame {
    picture(256, 256, |x, _| if x < 128 { RED } else { GREEN })
}

/// A canvas filled with this colour.
fn filled(color: Rgba) -> Canvas {
    let mut canvas = canvas(100, 50);
    canvas.draw_image(plain(1, 1, color), 0.0, 0.0, 100.0, 50.0).unwrap();
    canvas
}

/// `drawImage` with nine arguments.
fn draw(canvas: &mut Canvas, frame: Frame, [sx, sy, sw, sh, dx, dy, dw, dh]: [f64; 8]) {
    canvas.draw_part(frame, Rect::new(sx, sy, sw, sh), Rect::new(dx, dy, dw, dh)).unwrap();
}

fn draw_at(canvas: &mut Canvas, frame: Frame, [x, y, width, height]: [f64; 4]) {
    canvas.draw_image(frame, x, y, width, height).unwrap();
}

fn assert_green(canvas: &Canvas, places: &[(u32, u32)]) {
    let shown = canvas.read().unwrap();
    for &(x, y) in places {
        assert_eq!(pixel(&shown, x, y), GREEN, "at {x}, {y}");
    }
}

const CORNERS: [(u32, u32); 4] = [(0, 0), (99, 0), (0, 49), (99, 49)];
const HALVES: [(u32, u32); 10] =
    [(1, 1), (1, 48), (98, 1), (98, 48), (48, 1), (48, 48), (51, 1), (51, 48), (25, 25), (75, 25)];

#[test]
fn _3arg() {
    let mut canvas = canvas(100, 50);
    draw_at(&mut canvas, green(), [0.0, 0.0, 100.0, 50.0]);
    for [x, y] in [[-100.0, 0.0], [100.0, 0.0], [0.0, -50.0], [0.0, 50.0]] {
        draw_at(&mut canvas, red(), [x, y, 100.0, 50.0]);
    }
    assert_green(&canvas, &CORNERS);
}

#[test]
fn _5arg() {
    let mut canvas = filled(RED);
    draw_at(&mut canvas, green(), [50.0, 0.0, 50.0, 50.0]);
    draw_at(&mut canvas, red(), [0.0, 0.0, 50.0, 50.0]);
    draw_at(&mut canvas, plain(1, 1, GREEN), [0.0, 0.0, 50.0, 50.0]);
    assert_green(&canvas, &CORNERS);
}

#[test]
fn _9arg_basic() {
    let mut canvas = filled(RED);
    draw(&mut canvas, green(), [0.0, 0.0, 100.0, 50.0, 0.0, 0.0, 100.0, 50.0]);
    assert_green(&canvas, &CORNERS);
}

#[test]
fn _9arg_destpos() {
    let mut canvas = filled(RED);
    draw(&mut canvas, green(), [0.0, 0.0, 100.0, 50.0, 0.0, 0.0, 100.0, 50.0]);
    for [x, y] in [[-100.0, 0.0], [100.0, 0.0], [0.0, -50.0], [0.0, 50.0]] {
        draw(&mut canvas, red(), [0.0, 0.0, 100.0, 50.0, x, y, 100.0, 50.0]);
    }
    assert_green(&canvas, &CORNERS);
}

#[test]
fn _9arg_destsize() {
    let mut canvas = filled(RED);
    draw(&mut canvas, green(), [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 100.0, 50.0]);
    for [x, y, width, height] in
        [[-50.0, 0.0, 50.0, 50.0], [100.0, 0.0, 50.0, 50.0], [0.0, -25.0, 100.0, 25.0], [0.0, 50.0, 100.0, 25.0]]
    {
        draw(&mut canvas, red(), [0.0, 0.0, 100.0, 50.0, x, y, width, height]);
    }
    assert_green(&canvas, &CORNERS);
}

#[test]
fn _9arg_sourcepos() {
    let mut canvas = filled(RED);
    draw(&mut canvas, red_left_of_green(), [140.0, 20.0, 100.0, 50.0, 0.0, 0.0, 100.0, 50.0]);
    assert_green(&canvas, &CORNERS);
}

#[test]
fn _9arg_sourcesize() {
    let mut canvas = filled(RED);
    draw(&mut canvas, red_left_of_green(), [0.0, 0.0, 256.0, 256.0, 0.0, 0.0, 100.0, 50.0]);
    draw_at(&mut canvas, plain(1, 1, GREEN), [0.0, 0.0, 51.0, 26.0]);
    draw_at(&mut canvas, plain(1, 1, GREEN), [0.0, 24.0, 51.0, 26.0]);
    assert_green(&canvas, &CORNERS);
    assert_green(&canvas, &[(20, 20), (80, 20), (20, 30), (80, 30)]);
}

#[test]
fn another_canvas() {
    let mut other = canvas(100, 50);
    draw_at(&mut other, plain(1, 1, GREEN), [0.0, 0.0, 100.0, 50.0]);
    let mut canvas = canvas(100, 50);
    draw_at(&mut canvas, other.read().unwrap(), [0.0, 0.0, 100.0, 50.0]);
    assert_green(&canvas, &CORNERS);
}

#[test]
fn floatsource() {
    let mut canvas = canvas(100, 50);
    draw(&mut canvas, green(), [10.1, 10.1, 0.1, 0.1, 0.0, 0.0, 100.0, 50.0]);
    assert_green(&canvas, &[(50, 25)]);
}

#[test]
fn negativedest() {
    let mut canvas = filled(RED);
    draw(&mut canvas, green_above_red(), [100.0, 78.0, 50.0, 50.0, 0.0, 50.0, 50.0, -50.0]);
    draw(&mut canvas, green_above_red(), [100.0, 128.0, 50.0, -50.0, 100.0, 50.0, -50.0, -50.0]);
    assert_green(&canvas, &HALVES);
}

#[test]
fn negativedir() {
    let mut canvas = filled(RED);
    draw(&mut canvas, green_above_red(), [0.0, 178.0, 50.0, -100.0, 0.0, 0.0, 50.0, 100.0]);
    draw(&mut canvas, green_above_red(), [0.0, 78.0, 50.0, 100.0, 50.0, 100.0, 50.0, -100.0]);
    assert_green(&canvas, &HALVES);
}

#[test]
fn negativesource() {
    let mut canvas = filled(RED);
    draw(&mut canvas, green_above_red(), [100.0, 78.0, -100.0, 50.0, 0.0, 0.0, 50.0, 50.0]);
    draw(&mut canvas, green_above_red(), [100.0, 128.0, -100.0, -50.0, 50.0, 0.0, 50.0, 50.0]);
    assert_green(&canvas, &HALVES);
}

#[test]
fn nonfinite() {
    let mut canvas = filled(GREEN);
    let red = Arc::new(red());
    let numbers = [0.0, 0.0, 100.0, 50.0, 0.0, 0.0, 100.0, 50.0];
    // Every set of arguments with one value in their places.
    for bad in [INFINITY, -INFINITY, f64::NAN] {
        for set in 1..256u32 {
            let mut arguments = numbers;
            (0..8).filter(|bit| set >> bit & 1 == 1).for_each(|bit| arguments[bit] = bad);
            let [sx, sy, sw, sh, dx, dy, dw, dh] = arguments;
            canvas.draw_part(red.clone(), Rect::new(sx, sy, sw, sh), Rect::new(dx, dy, dw, dh)).unwrap();
            if set & 0b1111 == 0 {
                canvas.draw_image(red.clone(), dx, dy, dw, dh).unwrap();
            }
        }
    }
    assert_eq!(Arc::strong_count(&red), 1);
    assert_green(&canvas, &[(50, 25)]);
}

#[test]
fn nowrap() {
    let mut canvas = filled(GREEN);
    // redtransparent.png: red at the left, transparent at the right.
    let frame = picture(100, 50, |x, _| if x < 50 { RED } else { NOTHING });
    draw_at(&mut canvas, frame, [-1950.0, 0.0, 2000.0, 50.0]);
    assert_green(&canvas, &[(45, 25), (50, 25), (55, 25)]);
}

#[test]
fn outsidesource() {
    for from in [[10.5, 10.5, 89.5, 39.5], [5.5, 5.5, -5.5, -5.5], [100.0, 50.0, -5.0, -5.0]] {
        let mut canvas = canvas(100, 50);
        let [x, y, width, height] = from;
        draw(&mut canvas, green(), [x, y, width, height, 0.0, 0.0, 100.0, 50.0]);
        assert_green(&canvas, &[(50, 25)]);
    }
}

#[test]
fn zerocanvas() {
    let mut canvas = filled(GREEN);
    for (width, height) in [(0, 10), (10, 0), (0, 0)] {
        let error = canvas.draw_image(plain(width, height, RED), 0.0, 0.0, 100.0, 50.0).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidState);
    }
    assert_green(&canvas, &[(50, 25)]);
}

#[test]
fn zerosource() {
    let mut canvas = filled(GREEN);
    for [width, height] in [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]] {
        draw(&mut canvas, red(), [10.0, 10.0, width, height, 0.0, 0.0, 100.0, 50.0]);
        draw_at(&mut canvas, red(), [0.0, 0.0, width * 100.0, height * 50.0]);
    }
    assert_green(&canvas, &[(50, 25)]);
}
