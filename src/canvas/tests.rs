//! What `canvas.capture_stream` does: the lines of the W3C's "Media Capture from DOM Elements", then what is ours.

mod blur;
mod stills;
mod textures;
mod threads;

use std::sync::mpsc::TryRecvError;
use std::time::Duration;

use super::*;
use crate::stream::{DropReason, MediaStreamTrack, Outcome, Sample, Subscription, TrackKind, TrackSettings};
use crate::time::{FrameRate, Span};

const SIZE: Size = Size::new(64, 48);
/// What takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(20);

fn gpu() -> Gpu {
    Gpu::new().expect("an adapter: `make test` installs one")
}

/// A canvas that is painted ten times a second, exactly.
fn canvas() -> Canvas {
    Canvas::new(&gpu(), SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)))
}

/// A picture of one grey.
fn grey(shade: u8) -> Frame {
    let data = [shade, shade, shade, 255].repeat(SIZE.pixels() as usize);
    Frame::packed(PixelFormat::Rgba8, SIZE, ColorSpace::RECORDED, data)
}

/// Its luma in BT.709, limited range.
fn luma(shade: u8) -> u8 {
    (16.0 + f64::from(shade) / 255.0 * 219.0).round() as u8
}

fn subscribe(track: &MediaStreamTrack, depth: usize) -> Subscription {
    track.subscribe(PixelFormat::I420, depth, &Arc::default())
}

fn only_track(stream: &MediaStream) -> MediaStreamTrack {
    stream.tracks().remove(0)
}

fn listen(stream: &MediaStream) -> Subscription {
    subscribe(&only_track(stream), 64)
}

/// The next frame and who waits to hear of it.
fn next(listener: &Subscription) -> (Arc<Frame>, crate::stream::Ticket) {
    match listener.receiver.recv_timeout(TIMEOUT).expect("a frame") {
        Sample::Video { frame, ticket, .. } => (frame, ticket),
        Sample::Audio { .. } => panic!("a canvas is silent"),
    }
}

/// All that still comes, to the track's end: each frame's time in milliseconds and its first pixel's luma.
fn rest(listener: &Subscription) -> Vec<(i64, u8)> {
    let mut frames = Vec::new();
    loop {
        match listener.receiver.recv_timeout(TIMEOUT) {
            Ok(Sample::Video { frame, .. }) => frames.push((frame.timestamp.as_nanos() / 1_000_000, frame.data()[0])),
            Ok(Sample::Audio { .. }) => panic!("a canvas is silent"),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return frames,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("the track does not end; so far: {frames:?}"),
        }
    }
}

/// The times alone, when the canvas is gone.
fn times(canvas: Canvas, listener: &Subscription) -> Vec<i64> {
    drop(canvas);
    rest(listener).into_iter().map(|(time, _)| time).collect()
}

fn at_millis(millis: i64) -> Timestamp {
    Timestamp::ZERO + Span::from_millis(millis)
}

#[test]
fn there_is_one_video_track_and_its_size_follows_the_canvas_through_later_resizes() {
    let mut canvas = canvas();
    let stream = canvas.capture_stream(None).unwrap();
    let track = only_track(&stream);
    assert_eq!((stream.tracks().len(), track.kind()), (1, TrackKind::Video));
    let listener = listen(&stream);
    let sizes = [SIZE, Size::new(32, 20), Size::new(33, 21), SIZE];
    for size in sizes {
        canvas.resize(size).unwrap();
        assert_eq!((canvas.size(), track.settings()), (size, TrackSettings::Video { size, frame_rate: Some(10.0) }));
        for shade in [0, 255] {
            canvas.draw(grey(shade));
            canvas.present().unwrap();
        }
    }
    let last = Size::new(10, 10);
    canvas.resize(last).unwrap();
    drop(canvas);
    let frames: Vec<_> = listener.receiver.iter().collect();
    assert_eq!(frames.len(), 8);
    for (index, sample) in frames.iter().enumerate() {
        let Sample::Video { frame, .. } = sample else { panic!("a canvas is silent") };
        assert_eq!((frame.size(), frame.timestamp), (sizes[index / 2], at_millis(100 * index as i64)));
    }
    assert_eq!(
        track.settings(),
        TrackSettings::Video { size: last, frame_rate: Some(10.0) },
        "late frames don't change it back"
    );
}

#[test]
fn without_a_rate_every_paint_that_has_new_content_gives_a_frame() {
    let mut canvas = canvas();
    let listener = listen(&canvas.capture_stream(None).unwrap());
    for shade in [10, 20, 30] {
        canvas.draw(grey(shade));
        canvas.present().unwrap();
        canvas.present().unwrap();
    }
    drop(canvas);
    assert_eq!(rest(&listener), [(0, luma(10)), (200, luma(20)), (400, luma(30))]);
}

#[test]
fn by_a_rate_a_frame_comes_when_one_is_due_and_there_is_new_content() {
    let mut canvas = canvas();
    let listener = listen(&canvas.capture_stream(5.0).unwrap());
    for paint in 0..10 {
        // Nothing is new at 400 ms, when a frame is due.
        if ![3, 4].contains(&paint) {
            canvas.draw(grey(paint));
        }
        canvas.present().unwrap();
    }
    assert_eq!(times(canvas, &listener), [0, 200, 500, 600, 800]);
}

#[test]
fn at_rate_0_a_frame_comes_when_the_stream_is_made_and_then_only_after_request_frame() {
    let mut canvas = canvas();
    let stream = canvas.capture_stream(0.0).unwrap();
    let listener = listen(&stream);
    for paint in 0..6 {
        if paint == 4 {
            only_track(&stream).request_frame().unwrap();
        }
        canvas.draw(grey(paint));
        canvas.present().unwrap();
    }
    assert_eq!(times(canvas, &listener), [0, 400]);
}

#[test]
fn a_frame_is_captured_only_when_all_hold_painted_and_new_and_requested() {
    let mut canvas = canvas();
    let stream = canvas.capture_stream(0.0).unwrap();
    let listener = listen(&stream);
    canvas.draw(grey(1));
    canvas.present().unwrap();
    for combination in 0..7 {
        let [painted, new, requested] = [1, 2, 4].map(|bit| combination & bit != 0);
        if requested {
            only_track(&stream).request_frame().unwrap();
        }
        if new {
            canvas.draw(grey(2));
        }
        if painted {
            canvas.present().unwrap();
        }
        if (new || requested) && !(painted && new && requested) {
            // What was left open is taken up here, so that every combination begins alike.
            only_track(&stream).request_frame().unwrap();
            canvas.draw(grey(100));
            canvas.present().unwrap();
        }
    }
    drop(canvas);
    let shades: Vec<_> = rest(&listener).into_iter().map(|(_, shade)| shade).collect();
    assert_eq!(shades, [[luma(1)].as_slice(), &[luma(100); 5]].concat());
}

#[test]
fn a_request_before_a_paint_waits_for_the_next_paint_and_two_give_one_frame() {
    let mut canvas = canvas();
    let stream = canvas.capture_stream(0.0).unwrap();
    let (track, listener) = (only_track(&stream), listen(&stream));
    canvas.draw(grey(1));
    canvas.present().unwrap();
    track.request_frame().unwrap();
    track.request_frame().unwrap();
    // Nothing new: the request stays.
    canvas.present().unwrap();
    for shade in [2, 3] {
        canvas.draw(grey(shade));
        canvas.present().unwrap();
    }
    drop(canvas);
    assert_eq!(rest(&listener), [(0, luma(1)), (200, luma(2))]);
}

#[test]
fn a_negative_infinite_or_nan_rate_is_not_supported_and_65438_is_accepted() {
    let mut canvas = canvas();
    for rate in [-1.0, -0.001, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        assert_eq!(*canvas.capture_stream(rate).unwrap_err().kind(), ErrorKind::NotSupported, "{rate}");
    }
    let listener = listen(&canvas.capture_stream(65438.0).unwrap());
    for shade in 0..3 {
        canvas.draw(grey(shade));
        canvas.present().unwrap();
    }
    assert_eq!(times(canvas, &listener), [0, 100, 200]);
}

#[test]
fn a_stream_starts_nothing_until_the_canvas_changes() {
    let mut canvas = canvas();
    let stream = canvas.capture_stream(None).unwrap();
    let listener = listen(&stream);
    only_track(&stream).request_frame().unwrap();
    for _ in 0..3 {
        canvas.present().unwrap();
    }
    assert_eq!(listener.receiver.try_recv().unwrap_err(), TryRecvError::Empty);
    canvas.draw(grey(7));
    assert_eq!(listener.receiver.try_recv().unwrap_err(), TryRecvError::Empty);
    canvas.present().unwrap();
    drop(canvas);
    assert_eq!(rest(&listener), [(300, luma(7))]);
}

#[test]
fn a_receipt_says_at_what_time_its_frame_was_encoded_or_why_it_was_not() {
    let mut canvas = canvas();
    let stream = canvas.capture_stream(0.0).unwrap();
    let (track, listener) = (only_track(&stream), listen(&stream));
    let superseded = track.request_frame_at(at_millis(1)).unwrap();
    let encoded = track.request_frame_at(at_millis(2)).unwrap();
    canvas.draw(grey(1));
    canvas.present().unwrap();
    let (frame, ticket) = next(&listener);
    assert_eq!(frame.timestamp, at_millis(2));
    assert_eq!(encoded.outcome(), None);
    ticket.encoded(at_millis(5));
    assert_eq!(encoded.wait_for(TIMEOUT.into()), Some(Outcome::Encoded(at_millis(5))));
    assert_eq!(superseded.outcome(), Some(Outcome::Dropped(DropReason::Superseded)));

    drop(listener);
    let unheard = track.request_frame_at(at_millis(3)).unwrap();
    canvas.draw(grey(2));
    canvas.present().unwrap();
    assert_eq!(unheard.wait_for(TIMEOUT.into()), Some(Outcome::Dropped(DropReason::NotRecorded)));
    let unpainted = track.request_frame_at(at_millis(4)).unwrap();
    drop(canvas);
    assert_eq!(unpainted.wait_for(TIMEOUT.into()), Some(Outcome::Dropped(DropReason::NotRecorded)));
}

#[test]
fn by_a_stepped_clock_times_are_exact_and_a_paint_without_news_is_a_step_too() {
    let rate = FrameRate::new(30000, 1001).unwrap();
    let mut canvas = Canvas::new(&gpu(), SIZE).unwrap().with_clock(Clock::stepped(rate));
    let listener = listen(&canvas.capture_stream(None).unwrap());
    let frame = Arc::new(grey(9));
    for paint in 0..40 {
        if paint % 3 != 1 {
            canvas.draw(frame.clone());
        }
        canvas.present().unwrap();
    }
    assert_eq!(canvas.clock().now(), rate.timestamp(40));
    drop(canvas);
    let times = listener.receiver.iter().map(|sample| sample.timestamp());
    assert!(times.eq((0..40).filter(|paint| paint % 3 != 1).map(|paint| rate.timestamp(paint))));
}

#[test]
fn by_a_stamped_clock_frames_have_the_times_that_they_are_presented_at() {
    let mut canvas = Canvas::new(&gpu(), SIZE).unwrap().with_clock(Clock::stamped());
    let listener = listen(&canvas.capture_stream(None).unwrap());
    for millis in [5, 40, 41, 1000] {
        canvas.draw(grey(millis as u8));
        canvas.present_at(at_millis(millis)).unwrap();
        assert_eq!(canvas.clock().now(), at_millis(millis) + Span::from_nanos(1));
    }
    assert_eq!(times(canvas, &listener), [5, 40, 41, 1000]);
    for clock in [Clock::real(), Clock::stepped(FrameRate::whole(30))] {
        let mut canvas = Canvas::new(&gpu(), SIZE).unwrap().with_clock(clock);
        assert_eq!(*canvas.present_at(at_millis(1)).unwrap_err().kind(), ErrorKind::InvalidState);
    }
}

#[test]
fn times_rise_by_a_stamped_clock_even_when_nobody_stamps() {
    let mut canvas = Canvas::new(&gpu(), SIZE).unwrap().with_clock(Clock::stamped());
    let listener = listen(&canvas.capture_stream(None).unwrap());
    for shade in 0..20 {
        canvas.draw(grey(shade));
        canvas.present().unwrap();
    }
    drop(canvas);
    let times: Vec<_> = listener.receiver.iter().map(|sample| sample.timestamp()).collect();
    assert!(times.len() == 20 && times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[test]
fn a_resize_clears_the_canvas_and_what_is_cleared_is_not_captured() {
    let mut canvas = canvas();
    let listener = listen(&canvas.capture_stream(None).unwrap());
    canvas.draw(grey(200));
    canvas.resize(SIZE).unwrap();
    canvas.present().unwrap();
    assert!(canvas.read().unwrap().data().iter().all(|&byte| byte == 0));
    let before = canvas.size();
    assert_eq!(*canvas.resize(Size::new(1 << 20, 1)).unwrap_err().kind(), ErrorKind::Range);
    assert_eq!(canvas.size(), before);
    canvas.draw(grey(100));
    canvas.present().unwrap();
    drop(canvas);
    assert_eq!(rest(&listener), [(100, luma(100))]);
}

#[test]
fn nothing_of_a_canvas_of_zero_size_is_captured() {
    let gpu = gpu();
    for size in [Size::new(0, 0), Size::new(0, 48), Size::new(64, 0)] {
        let mut canvas = Canvas::new(&gpu, size).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)));
        let listener = listen(&canvas.capture_stream(None).unwrap());
        canvas.draw(grey(1));
        canvas.present().unwrap();
        assert_eq!(*canvas.texture().unwrap_err().kind(), ErrorKind::InvalidState);
        canvas.resize(SIZE).unwrap();
        canvas.draw(grey(2));
        canvas.present().unwrap();
        drop(canvas);
        assert_eq!(rest(&listener), [(100, luma(2))]);
    }
}

#[test]
fn what_is_drawn_already_is_new_to_a_stream() {
    let mut canvas = canvas();
    canvas.draw(grey(50));
    canvas.present().unwrap();
    let listeners = [None, Some(0.0), Some(3.0)].map(|rate| listen(&canvas.capture_stream(rate).unwrap()));
    canvas.present().unwrap();
    canvas.present().unwrap();
    drop(canvas);
    for listener in listeners {
        assert_eq!(rest(&listener), [(100, luma(50))]);
    }
}

#[test]
fn streams_that_capture_the_same_paint_share_one_rendering_each_with_its_own_time() {
    let mut canvas = canvas();
    let [one, other, stamped] = [(); 3].map(|()| canvas.capture_stream(None).unwrap());
    let listeners = [&one, &other, &stamped].map(listen);
    let receipt = only_track(&stamped).request_frame_at(at_millis(7)).unwrap();
    canvas.draw(grey(60));
    canvas.present().unwrap();
    let [(one, unawaited), (other, _), (stamped, ticket)] = listeners.each_ref().map(next);
    assert!(Arc::ptr_eq(&one, &other) && !unawaited.is_awaited() && ticket.is_awaited());
    assert_eq!((one.timestamp, stamped.timestamp), (Timestamp::ZERO, at_millis(7)));
    assert_eq!(one.data(), stamped.data());
    ticket.encoded(at_millis(7));
    assert_eq!(receipt.outcome(), Some(Outcome::Encoded(at_millis(7))));
}

#[test]
fn streams_of_different_rates_work_side_by_side() {
    let mut canvas = canvas();
    let rates = [None, Some(5.0), Some(2.0), Some(0.0)];
    let listeners = rates.map(|rate| listen(&canvas.capture_stream(rate).unwrap()));
    for shade in 0..10 {
        canvas.draw(grey(shade * 20));
        canvas.present().unwrap();
    }
    drop(canvas);
    let every = |step: usize| (0..10).step_by(step).map(|shade| (100 * shade, luma(20 * shade as u8))).collect();
    let expected: [Vec<_>; 4] = [every(1), every(2), every(5), every(10)];
    assert_eq!(listeners.each_ref().map(rest), expected);
}

#[test]
fn a_filter_lies_over_what_is_drawn_after_it_was_set() {
    let mut canvas = canvas();
    let listener = listen(&canvas.capture_stream(None).unwrap());
    for (chain, shade) in [("none", 200), ("invert(1)", 200), ("invert(1)", 250), ("brightness(0.5)", 200), ("none", 9)]
    {
        canvas.set_filter(&chain.parse().unwrap());
        canvas.draw(grey(shade));
        canvas.set_filter(&"sepia(1)".parse().unwrap());
        canvas.present().unwrap();
    }
    assert!(canvas.refused().is_empty());
    drop(canvas);
    let shades = rest(&listener).into_iter().map(|(_, shade)| shade);
    assert!(shades.eq([200, 55, 5, 100, 9].map(luma)));
}

#[test]
fn film_that_nothing_changes_arrives_with_its_own_bytes_in_order_with_what_is_filtered() {
    let film = |size: Size, color| {
        let data = (0..Frame::packed_len(PixelFormat::I420, size)).map(|at| 16 + (at % 200) as u8).collect();
        Arc::new(Frame::packed(PixelFormat::I420, size, color, data))
    };
    let as_recorded = film(SIZE, ColorSpace::RECORDED);
    let others = [
        film(SIZE, ColorSpace { range: Range::Full, ..ColorSpace::RECORDED }),
        film(Size::new(32, 24), ColorSpace::RECORDED),
    ];
    let mut canvas = canvas();
    let listener = listen(&canvas.capture_stream(None).unwrap());
    let none = FilterChain::default();
    let sepia: FilterChain = "sepia(1)".parse().unwrap();
    for (filtered, frame) in
        [(true, &as_recorded), (false, &as_recorded), (true, &as_recorded), (false, &others[0]), (false, &others[1])]
    {
        canvas.set_filter(if filtered { &sepia } else { &none });
        canvas.draw(frame.clone());
        canvas.present().unwrap();
    }
    drop(canvas);
    let frames: Vec<_> = listener
        .receiver
        .iter()
        .map(|sample| match sample {
            Sample::Video { frame, .. } => frame,
            Sample::Audio { .. } => panic!("a canvas is silent"),
        })
        .collect();
    let is_own = |frame: &Frame| frame.data().as_ptr() == as_recorded.data().as_ptr();
    let found: Vec<_> = frames.iter().map(|frame| (frame.timestamp, is_own(frame))).collect();
    let expected = [false, true, false, false, false].into_iter().enumerate();
    assert_eq!(found, expected.map(|(index, own)| (at_millis(100 * index as i64), own)).collect::<Vec<_>>());
    assert!(frames.iter().all(|frame| (frame.size(), frame.color) == (SIZE, ColorSpace::RECORDED)));
}

#[test]
fn what_follows_film_that_nothing_changes_is_filtered_as_if_that_had_been_filtered_too() {
    let chains = ["motion-trail(0.9)", "", "motion-trail(0.9)", "grain(0.5)", "", "grain(0.5)"];
    // Chroma rows that are not equally far apart go through the GPU.
    let film = |shade: u8, is_unchanged: bool| {
        let (row, rows) = PixelFormat::I420.plane_size(1, SIZE);
        let luma = SIZE.pixels() as usize;
        let (u, v) = (luma, luma + row * rows);
        let stride = if is_unchanged { row } else { row + 4 };
        let mut data = vec![shade; v + stride * rows];
        data[u..].fill(128);
        let at = |offset, stride| crate::frame::Plane { offset, stride };
        let planes = [at(0, SIZE.width as usize), at(u, row), at(v, stride)];
        Arc::new(Frame::strided(PixelFormat::I420, SIZE, ColorSpace::RECORDED, &planes, data))
    };
    let record = |is_unchanged| {
        let mut canvas = canvas();
        let listener = listen(&canvas.capture_stream(None).unwrap());
        for (chain, shade) in chains.into_iter().zip([200, 40, 60, 80, 100, 120]) {
            canvas.set_filter(&chain.parse().unwrap());
            canvas.draw(film(shade, is_unchanged));
            canvas.present().unwrap();
        }
        drop(canvas);
        let frames = listener.receiver.iter().map(|sample| match sample {
            Sample::Video { frame, .. } => frame.rows(0).map(<[u8]>::to_vec).collect::<Vec<_>>(),
            Sample::Audio { .. } => panic!("a canvas is silent"),
        });
        frames.collect::<Vec<_>>()
    };
    let (expected, found) = (record(false), record(true));
    assert_eq!(expected.len(), chains.len());
    for (index, chain) in chains.iter().enumerate() {
        assert!(found[index] == expected[index], "frame {index}, {chain:?}");
    }
}

#[test]
fn an_animated_filter_goes_by_the_time_that_a_frame_is_shown_at() {
    let mut canvas = canvas();
    let listener = listen(&canvas.capture_stream(None).unwrap());
    let mut chain: FilterChain = "brightness(1)".parse().unwrap();
    chain.animate("brightness.amount: 0s 0, 1s 1").unwrap();
    canvas.set_filter(&chain);
    for _ in 0..11 {
        canvas.draw(grey(200));
        canvas.present().unwrap();
    }
    drop(canvas);
    let expected = (0..11).map(|tenth| (100 * i64::from(tenth), luma(20 * tenth)));
    assert_eq!(rest(&listener), expected.collect::<Vec<_>>());
}

#[test]
fn a_frame_that_the_gpu_cannot_take_is_an_error_and_the_canvas_goes_on() {
    let mut canvas = canvas();
    let listener = listen(&canvas.capture_stream(None).unwrap());
    let empty =
        |format, size| Frame::packed(format, size, ColorSpace::RECORDED, vec![0; Frame::packed_len(format, size)]);
    canvas.draw(empty(PixelFormat::Gray8, Size::new(1 << 20, 1)));
    assert_eq!(*canvas.present().unwrap_err().kind(), ErrorKind::Range);
    canvas.draw(grey(3));
    canvas.present().unwrap();
    drop(canvas);
    assert_eq!(rest(&listener), [(0, luma(3))]);
}
