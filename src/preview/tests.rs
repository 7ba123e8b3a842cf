use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::canvas::Canvas;
use crate::clock::Clock;
use crate::source::pattern::{BARS, PatternSource, bar_center};
use crate::source::{Source, SourceOptions};
use crate::stream::TrackGenerator;
use crate::time::{FrameRate, Span, Timestamp};

#[test]
fn a_picture_fills_the_area_in_its_aspect_ratio_on_whole_pixels() {
    let size = Size::new(1280, 720);
    let area = |width, height| letterboxed(size, Rect::new(0.0, 10.0, width, height));
    assert_eq!(area(640.0, 360.0), Some(Rect::new(0.0, 10.0, 640.0, 360.0)));
    assert_eq!(area(640.0, 480.0), Some(Rect::new(0.0, 70.0, 640.0, 360.0)));
    assert_eq!(area(1000.0, 360.0), Some(Rect::new(180.0, 10.0, 640.0, 360.0)));
    assert_eq!(area(1.0, 1.0), Some(Rect::new(0.0, 10.0, 1.0, 1.0)));
    assert_eq!(area(0.0, 100.0), None);
    assert_eq!(letterboxed(Size::new(0, 0), Rect::whole(size)), None);
}

/// A texture to draw into, whose rows are whole multiples of 256 bytes.
fn target(gpu: &Gpu, size: Size, format: wgpu::TextureFormat) -> wgpu::Texture {
    gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    })
}

/// The bytes of a texture of four bytes a pixel.
fn bytes(gpu: &Gpu, texture: &wgpu::Texture) -> Vec<u8> {
    let (width, height) = (texture.width(), texture.height());
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(width) * u64::from(height) * 4,
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width * 4), rows_per_image: None };
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let to = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    encoder.copy_texture_to_buffer(texture.as_image_copy(), to, texture.size());
    gpu.queue().submit([encoder.finish()]);
    buffer.map_async(wgpu::MapMode::Read, .., |mapped| mapped.expect("a mapped buffer"));
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).expect("a device");
    buffer.get_mapped_range(..).expect("a mapped range").to_vec()
}

#[test]
fn colours_are_those_of_the_recording_at_every_size_and_in_every_format() {
    let gpu = Gpu::new().expect("an adapter");
    // Another device, as a window's.
    let other = Gpu::new().expect("an adapter");
    let size = Size::new(640, 360);
    let mut pattern = PatternSource::new(&SourceOptions::default().with_size(size)).unwrap();
    let mut canvas = Canvas::new(&gpu, size).unwrap().with_clock(Clock::stepped(FrameRate::whole(30)));
    let stream = canvas.capture_stream(None).unwrap();
    let mut preview = Preview::new(&other, &stream).unwrap();
    assert_eq!((preview.size(), preview.is_over()), (None, false));
    let shown = Arc::new(AtomicU64::new(0));
    let count = shown.clone();
    preview.on_change(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    canvas.draw(pattern.next_frame().unwrap().unwrap());
    canvas.present().unwrap();
    drop(canvas);
    // All frames are delivered when the canvas is dropped, and the stream ends.
    assert_eq!(shown.load(Ordering::Relaxed), 2, "a frame, and the end");
    use wgpu::TextureFormat::{Bgra8Unorm, Bgra8UnormSrgb, Rgba8Unorm};
    for (width, height, format) in [
        (640, 360, Rgba8Unorm),
        (640, 360, Bgra8Unorm),
        (640, 360, Bgra8UnormSrgb),
        (320, 180, Rgba8Unorm),
        (128, 72, Rgba8Unorm),
        (1280, 720, Rgba8Unorm),
    ] {
        let texture = target(&other, Size::new(width, height), format);
        preview.draw(&texture).unwrap();
        let bytes = bytes(&other, &texture);
        for (bar, expected) in BARS.iter().enumerate() {
            let (x, y) = bar_center(size, bar);
            let (x, y) = (x * width / size.width, y * height / size.height);
            let pixel = &bytes[(y as usize * width as usize + x as usize) * 4..][..4];
            let order = if format == Rgba8Unorm { [0, 1, 2] } else { [2, 1, 0] };
            let off = order.iter().zip(expected).map(|(&place, &value)| pixel[place].abs_diff(value)).max();
            assert!(off <= Some(2), "bar {bar} at {width}x{height} in {format:?}: {pixel:?}, not {expected:?}");
        }
    }
    assert_eq!((preview.size(), preview.is_over(), preview.counts()), (Some(size), true, (1, 0)));
}

#[test]
fn what_is_beside_the_picture_is_black_and_before_the_first_frame_all_is() {
    let gpu = Gpu::new().expect("an adapter");
    let generator = TrackGenerator::video(Size::new(64, 64), &Clock::real());
    let mut preview = Preview::new(&gpu, &MediaStream::new([generator.track()])).unwrap();
    let texture = target(&gpu, Size::new(128, 64), wgpu::TextureFormat::Rgba8Unorm);
    preview.draw(&texture).unwrap();
    assert!(bytes(&gpu, &texture).chunks_exact(4).all(|pixel| pixel == [0, 0, 0, 255]));
    let white = |size: Size| {
        let mut data = vec![128; Frame::packed_len(PixelFormat::I420, size)];
        data[..size.pixels() as usize].fill(235);
        Frame::packed(PixelFormat::I420, size, ColorSpace::RECORDED, data)
    };
    generator.write(white(Size::new(64, 64))).unwrap();
    preview.draw(&texture).unwrap();
    let row = bytes(&gpu, &texture)[..128 * 4].to_vec();
    let bright: Vec<bool> = row.chunks_exact(4).map(|pixel| pixel[..3] == [255, 255, 255]).collect();
    assert!(bright[32..96].iter().all(|&bright| bright), "the picture, in the middle");
    assert!(row.chunks_exact(4).take(32).all(|pixel| pixel == [0, 0, 0, 255]));
    // A frame of another size, odd in both directions.
    let later = Timestamp::ZERO + Span::from_millis(5);
    generator.write(white(Size::new(33, 17)).with_timestamp(later)).unwrap();
    preview.draw(&texture).unwrap();
    assert_eq!(preview.size(), Some(Size::new(33, 17)));
    let sound = TrackGenerator::audio(48_000, 1, &Clock::real());
    let error = Preview::new(&gpu, &MediaStream::new([sound.track()])).unwrap_err();
    assert!(error.to_string().contains("expected a stream with a video track"), "{error}");
}
