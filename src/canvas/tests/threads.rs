//! The canvas's thread: what it loses and tells, and that it always ends.

use std::time::Instant;

use super::*;
use crate::filter::{Custom, FileAccess};
use crate::stream::ReadyState;

/// Waits until the thread of a canvas that is gone has let go of what it shared with it.
fn ends(shared: &std::sync::Weak<CanvasStreams>) -> bool {
    let deadline = Instant::now() + TIMEOUT;
    while shared.strong_count() > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    shared.strong_count() == 0
}

#[test]
fn a_canvas_can_be_sent_to_another_thread() {
    fn send<T: Send>(_: &T) {}
    send(&canvas());
}

#[test]
fn a_busy_canvas_in_real_time_counts_what_it_drops_and_never_waits() {
    let mut canvas = Canvas::new(&gpu(), SIZE).unwrap();
    let stream = canvas.capture_stream(None).unwrap();
    let track = only_track(&stream);
    let (listener, slow) = (subscribe(&track, 1000), subscribe(&track, 1));
    let frame = Arc::new(grey(50));
    let receipts: Vec<_> = (0..300)
        .map(|index| {
            let receipt = track.request_frame_at(at_millis(index)).unwrap();
            canvas.draw(frame.clone());
            canvas.present().unwrap();
            receipt
        })
        .collect();
    drop(canvas);
    let tickets: Vec<_> = listener.receiver.iter().collect();
    assert!(listener.counts().dropped(DropReason::Busy) > 0 && !tickets.is_empty());
    assert_eq!(tickets.len() as u64 + listener.counts().dropped(DropReason::Busy), 300);
    assert_eq!(
        (slow.receiver.iter().count(), slow.counts().dropped(DropReason::Busy), slow.is_settled()),
        (1, 299, true)
    );
    let taken = tickets.len();
    drop(tickets);
    let outcomes: Vec<_> = receipts.iter().map(|receipt| receipt.outcome().expect("an answer")).collect();
    let dropped = |reason| outcomes.iter().filter(|&&outcome| outcome == Outcome::Dropped(reason)).count();
    // The other listener took some of those that the slow one lost, and was gone before it recorded them.
    assert_eq!((dropped(DropReason::Busy), dropped(DropReason::Failed)), (300 - taken, taken));
}

#[test]
fn whoever_goes_first_canvas_stream_or_track_the_thread_ends() {
    let gpu = gpu();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut canvas = Canvas::new(&gpu, SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)));
        let shared = Arc::downgrade(&canvas.streams);
        let stream = canvas.capture_stream(None).unwrap();
        let listener = listen(&stream);
        for shade in 0..3 {
            canvas.draw(grey(shade));
            canvas.present().unwrap();
        }
        let (mut canvas, mut stream, mut listener) = (Some(canvas), Some(stream), Some(listener));
        for who in order {
            match who {
                0 => drop(canvas.take()),
                1 => drop(stream.take()),
                _ => drop(listener.take()),
            }
            if let Some(canvas) = &mut canvas {
                canvas.draw(grey(9));
                canvas.present().unwrap();
            }
        }
        assert!(ends(&shared), "{order:?}");
    }
}

#[test]
fn everything_under_way_arrives_when_the_canvas_is_dropped_and_then_the_track_ends() {
    let mut canvas = canvas();
    let shared = Arc::downgrade(&canvas.streams);
    let stream = canvas.capture_stream(None).unwrap();
    let track = only_track(&stream);
    // A recorder that does not read: the thread waits for it, the canvas does not.
    let listener = subscribe(&track, 1);
    for shade in 0..3 {
        canvas.draw(grey(shade));
        canvas.present().unwrap();
    }
    drop(canvas);
    assert!(track.ready_state() == ReadyState::Live && !listener.is_settled());
    assert_eq!(rest(&listener), [(0, luma(0)), (100, luma(1)), (200, luma(2))]);
    assert_eq!(track.ready_state(), ReadyState::Ended);
    assert!(listener.failure().is_none() && listener.is_settled() && ends(&shared));
}

#[test]
fn a_thread_that_waits_for_a_recorder_that_does_not_read_ends_when_the_recorder_goes() {
    let mut canvas = canvas();
    let shared = Arc::downgrade(&canvas.streams);
    let stream = canvas.capture_stream(None).unwrap();
    let listener = subscribe(&only_track(&stream), 1);
    for shade in 0..3 {
        canvas.draw(grey(shade));
        canvas.present().unwrap();
    }
    drop((canvas, stream));
    assert!(shared.strong_count() > 0, "it waits");
    drop(listener);
    assert!(ends(&shared));
}

#[test]
fn by_a_clock_that_is_not_real_or_that_blocks_present_waits_and_nothing_is_lost() {
    for clock in [Clock::stepped(FrameRate::whole(10)), Clock::real_blocking()] {
        let is_real = clock.is_real();
        let mut canvas = canvas().with_clock(clock);
        let stream = canvas.capture_stream(None).unwrap();
        let listener = subscribe(&only_track(&stream), 1);
        let drawing = std::thread::spawn(move || {
            for shade in 0..30 {
                canvas.draw(grey(shade));
                canvas.present().unwrap();
            }
        });
        let frames = rest(&listener);
        drawing.join().unwrap();
        assert_eq!((frames.len(), listener.counts().dropped(DropReason::Busy)), (30, 0));
        let (times, shades): (Vec<_>, Vec<_>) = frames.into_iter().unzip();
        assert!(shades.into_iter().eq((0..30).map(luma)));
        assert!(is_real && times.is_sorted() || times.into_iter().eq((0..30).map(|index| 100 * index)));
    }
}

#[test]
fn a_stream_whose_track_was_stopped_or_that_nobody_holds_is_let_go_at_the_next_paint() {
    let mut canvas = canvas();
    let [stopped, forgotten, kept] = [(); 3].map(|()| canvas.capture_stream(None).unwrap());
    let receipt = only_track(&forgotten).request_frame_at(at_millis(5)).unwrap();
    let [gone, heard] = [&stopped, &kept].map(listen);
    only_track(&stopped).stop();
    canvas.present().unwrap();
    assert_eq!(receipt.outcome(), Some(Outcome::Dropped(DropReason::NotRecorded)), "nobody listens");
    let receipt = only_track(&forgotten).request_frame_at(at_millis(6)).unwrap();
    assert_eq!(receipt.outcome(), None, "somebody holds it still");
    drop(forgotten);
    canvas.present().unwrap();
    assert_eq!(receipt.outcome(), Some(Outcome::Dropped(DropReason::NotRecorded)));
    canvas.draw(grey(1));
    canvas.present().unwrap();
    drop(canvas);
    assert_eq!((rest(&gone).len(), rest(&heard)), (0, vec![(200, luma(1))]));
}

#[test]
fn a_chain_that_the_gpu_refuses_is_told_once_and_the_one_before_stays_where_there_is_none_the_track_ends() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("table.cube");
    let table = (0..17 * 17 * 17).map(|_| "0 0 0\n").collect::<String>();
    std::fs::write(&path, format!("LUT_3D_SIZE 17\n{table}")).unwrap();
    let refused = FilterChain::parse_with(&format!("lut({path:?})"), &FileAccess::Any).unwrap();

    // A device whose buffers are too small for the table.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    let required_limits = wgpu::Limits { max_storage_buffer_binding_size: 1 << 16, ..Default::default() };
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    let gpu = Gpu::from_device(device, queue, adapter.get_info());

    for first in ["", "invert(1)"] {
        for texture in [false, true] {
            let mut canvas = Canvas::new(&gpu, SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)));
            let listener = listen(&canvas.capture_stream(None).unwrap());
            let draw = |canvas: &mut Canvas| {
                canvas.draw(grey(200));
                if texture {
                    let drawn = canvas.texture().unwrap();
                    let layout = wgpu::TexelCopyBufferLayout { bytes_per_row: Some(256), ..Default::default() };
                    gpu.queue().write_texture(drawn.as_image_copy(), grey(200).data(), layout, drawn.size());
                }
                canvas.present().unwrap();
            };
            if !first.is_empty() {
                canvas.set_filter(&first.parse().unwrap());
                draw(&mut canvas);
                next(&listener);
            }
            canvas.set_filter(&refused);
            draw(&mut canvas);
            if first.is_empty() {
                assert!(rest(&listener).is_empty());
                let failure = listener.failure().expect("an error");
                assert!(failure.to_string().contains("the GPU refused the filters"), "{failure}");
                continue;
            }
            draw(&mut canvas);
            assert_eq!([(); 2].map(|()| next(&listener).0.data()[0]), [luma(55); 2]);
            let errors = canvas.refused();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].to_string().contains("the GPU refused the filters"), "{errors:?}");
            assert!(canvas.refused().is_empty());
            canvas.set_filter(&"brightness(0.5)".parse().unwrap());
            draw(&mut canvas);
            assert_eq!(next(&listener).0.data()[0], luma(100));
        }
    }

    // The chain before may have been that of a frame which nothing changed: none.
    let mut canvas = Canvas::new(&gpu, SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)));
    let listener = listen(&canvas.capture_stream(None).unwrap());
    let shades =
        [("invert(1)".parse().unwrap(), grey(200)), (FilterChain::default(), Frame::black(SIZE)), (refused, grey(200))];
    for (chain, frame) in shades {
        canvas.set_filter(&chain);
        canvas.draw(frame);
        canvas.present().unwrap();
    }
    assert_eq!([(); 3].map(|()| next(&listener).0.data()[0]), [luma(55), luma(0), luma(200)]);
    assert_eq!(canvas.refused().len(), 1);
}

#[test]
fn a_failure_of_the_gpu_ends_every_track_with_its_error_and_so_does_every_paint_after() {
    let mut canvas = canvas();
    let shared = Arc::downgrade(&canvas.streams);
    let streams = [None, Some(0.0)].map(|rate| canvas.capture_stream(rate).unwrap());
    let listeners = streams.each_ref().map(listen);
    let endless = "fn effect_color(color: vec4f) -> vec4f {\n\
                   var c = color; while c.r > -1.0 { c.r = fract(c.r + 0.1); } return c; }";
    let receipt = only_track(&streams[0]).request_frame_at(at_millis(3)).unwrap();
    canvas.set_filter(&FilterChain::shader(Custom::parse("endless.wgsl", endless).unwrap()));
    canvas.draw(grey(1));
    canvas.present().unwrap();
    for listener in &listeners {
        assert!(rest(listener).is_empty());
        let failure = listener.failure().expect("an error");
        assert!(failure.to_string().contains("expected the loops of your shader to end"), "{failure}");
    }
    assert_eq!(receipt.wait_for(TIMEOUT.into()), Some(Outcome::Dropped(DropReason::Failed)));
    for _ in 0..2 {
        canvas.draw(grey(2));
        let error = canvas.present().unwrap_err();
        assert!(error.to_string().contains("expected the loops of your shader to end"), "{error}");
    }
    assert!(canvas.capture_stream(None).is_err());
    drop(canvas);
    assert!(ends(&shared));
}

#[test]
fn a_device_that_is_lost_ends_every_track_and_every_paint_says_so() {
    let gpu = gpu();
    let mut canvas = Canvas::new(&gpu, SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)));
    let shared = Arc::downgrade(&canvas.streams);
    let listener = listen(&canvas.capture_stream(None).unwrap());
    canvas.draw(grey(1));
    canvas.present().unwrap();
    next(&listener);
    gpu.device().destroy();
    let failed = (0..10).any(|shade| {
        canvas.draw(grey(shade));
        canvas.present().is_err()
    });
    assert!(failed);
    rest(&listener);
    assert!(listener.failure().is_some());
    drop(canvas);
    assert!(ends(&shared));
}
