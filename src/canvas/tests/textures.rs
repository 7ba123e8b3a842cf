//! Drawing with wgpu: into the canvas's texture, and with a texture of one's own.

use super::*;

/// Fills the view with one colour, as a render pass of somebody else's program would.
fn clear(gpu: &Gpu, texture: &wgpu::Texture, format: Option<wgpu::TextureFormat>, [r, g, b, a]: [f64; 4]) {
    let view = texture.create_view(&wgpu::TextureViewDescriptor { format, ..Default::default() });
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: &view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations {
                load: wgpu::LoadOp::Clear(wgpu::Color { r, g, b, a }),
                store: wgpu::StoreOp::Store,
            },
        })],
        ..Default::default()
    });
    gpu.queue().submit([encoder.finish()]);
}

/// BT.709, limited range (ITU-R BT.709-6 §3), by its own figures.
fn yuv([r, g, b, _]: [f64; 4]) -> [f64; 3] {
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748]
}

fn assert_color(frame: &Frame, color: [f64; 4]) {
    assert_eq!(frame.color, ColorSpace::RECORDED);
    for (plane, expected) in yuv(color).into_iter().enumerate() {
        let worst = frame.rows(plane).flatten().map(|&found| (f64::from(found) - expected).abs()).fold(0.0, f64::max);
        assert!(worst <= 1.0, "plane {plane} is {worst} off {expected:.1}");
    }
}

fn own_texture(gpu: &Gpu, size: Size, format: wgpu::TextureFormat, usage: wgpu::TextureUsages) -> wgpu::Texture {
    gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: size.width, height: size.height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: usage | wgpu::TextureUsages::RENDER_ATTACHMENT,
        view_formats: &[],
    })
}

const COLORS: [[f64; 4]; 6] = [
    [0.8, 0.4, 0.2, 1.0],
    [0.0, 0.0, 1.0, 1.0],
    [1.0, 1.0, 1.0, 1.0],
    [0.1, 0.9, 0.3, 1.0],
    [1.0, 0.0, 0.0, 1.0],
    [0.0, 0.0, 0.0, 1.0],
];

#[test]
fn what_is_drawn_into_the_canvas_s_texture_arrives_with_its_colours() {
    let gpu = gpu();
    let mut canvas = Canvas::new(&gpu, SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)));
    let listener = listen(&canvas.capture_stream(None).unwrap());
    let mut used = Vec::new();
    for color in COLORS.iter().cycle().take(24) {
        let texture = canvas.texture().unwrap();
        assert_eq!((texture.width(), texture.height(), texture.format()), (64, 48, Canvas::TEXTURE_FORMAT));
        assert_eq!(canvas.texture().unwrap(), texture, "the same one until it is presented");
        clear(&gpu, &texture, None, *color);
        canvas.present().unwrap();
        if !used.contains(&texture) {
            used.push(texture);
        }
    }
    // Four wait for the thread, one is in its hands, one is drawn into, and one has just come back.
    assert!((2..=7).contains(&used.len()), "{} textures", used.len());
    for (color, tenth) in COLORS.iter().cycle().zip(0..24) {
        let (frame, _) = next(&listener);
        assert_eq!(frame.timestamp, at_millis(100 * tenth));
        assert_color(&frame, *color);
    }
}

#[test]
fn a_view_in_linear_light_is_encoded() {
    let gpu = gpu();
    let mut canvas = Canvas::new(&gpu, SIZE).unwrap();
    let texture = canvas.texture().unwrap();
    // IEC 61966-2-1: 0.3185 in linear light is 0.6.
    clear(&gpu, &texture, Some(wgpu::TextureFormat::Rgba8UnormSrgb), [0.318_547, 1.0, 0.0, 1.0]);
    assert_eq!(canvas.read().unwrap().data()[..4], [153, 255, 0, 255]);
}

#[test]
fn a_texture_s_picture_stays_when_it_was_presented_and_goes_through_the_filter() {
    let gpu = gpu();
    let mut canvas = Canvas::new(&gpu, SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)));
    let listener = listen(&canvas.capture_stream(None).unwrap());
    canvas.set_filter(&"invert(1)".parse().unwrap());
    clear(&gpu, &canvas.texture().unwrap(), None, [0.8, 0.4, 0.2, 1.0]);
    canvas.present().unwrap();
    canvas.present().unwrap();
    assert_eq!(canvas.read().unwrap().data()[..4], [51, 153, 204, 255]);
    // A frame in its place, and a texture again.
    canvas.draw(grey(255));
    canvas.present().unwrap();
    clear(&gpu, &canvas.texture().unwrap(), None, [1.0; 4]);
    canvas.present().unwrap();
    let frames = [(); 3].map(|()| next(&listener).0);
    for (frame, color) in frames.iter().zip([[0.2, 0.6, 0.8, 1.0], [0.0; 4], [0.0; 4]]) {
        assert_color(frame, color);
    }
    assert_eq!(frames[1].timestamp, at_millis(200));
}

#[test]
fn somebody_s_own_texture_is_captured_as_it_was_when_it_was_drawn_whatever_its_format() {
    use wgpu::TextureFormat::{Bgra8Unorm, Bgra8UnormSrgb, Rgba8Unorm, Rgba8UnormSrgb, Rgba16Float};
    let gpu = gpu();
    let mut canvas = Canvas::new(&gpu, SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)));
    let listener = listen(&canvas.capture_stream(None).unwrap());
    for format in [Rgba8Unorm, Bgra8Unorm, Rgba16Float, Rgba8UnormSrgb, Bgra8UnormSrgb] {
        let texture = own_texture(&gpu, Size::new(128, 96), format, wgpu::TextureUsages::COPY_SRC);
        for color in COLORS {
            clear(&gpu, &texture, None, if format.is_srgb() { color.map(linear) } else { color });
            canvas.draw_texture(&texture).unwrap();
            // What is drawn later is not in it.
            clear(&gpu, &texture, None, [0.5; 4]);
            canvas.present().unwrap();
        }
        for color in COLORS {
            assert_color(&next(&listener).0, color);
        }
    }
}

/// An encoded value in linear light (IEC 61966-2-1).
fn linear(encoded: f64) -> f64 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

#[test]
fn a_texture_that_cannot_be_drawn_is_an_error_that_says_what_to_do_and_changes_nothing() {
    let gpu = gpu();
    let mut canvas = Canvas::new(&gpu, SIZE).unwrap();
    canvas.draw(grey(77));
    let rgba = wgpu::TextureFormat::Rgba8Unorm;
    let closed = own_texture(&gpu, SIZE, rgba, wgpu::TextureUsages::TEXTURE_BINDING);
    let depth = own_texture(&gpu, SIZE, wgpu::TextureFormat::Depth32Float, wgpu::TextureUsages::COPY_SRC);
    let numbers = own_texture(&gpu, SIZE, wgpu::TextureFormat::Rgba8Uint, wgpu::TextureUsages::COPY_SRC);
    for (texture, says) in [(closed, "COPY_SRC"), (depth, "Depth32Float"), (numbers, "Rgba8Uint")] {
        let error = canvas.draw_texture(&texture).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotSupported);
        assert!(error.to_string().contains(says), "{error}");
    }
    let destroyed = own_texture(&gpu, SIZE, rgba, wgpu::TextureUsages::COPY_SRC);
    destroyed.destroy();
    let error = canvas.draw_texture(&destroyed).unwrap_err();
    assert!(error.to_string().contains("the GPU refused to copy"), "{error}");
    assert_eq!(canvas.read().unwrap().data()[0], 77);
    canvas.present().unwrap();
}

#[test]
fn a_program_s_own_device_keeps_its_error_handler_and_its_errors_end_no_canvas() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
    let told = Arc::new(AtomicU32::new(0));
    let counter = told.clone();
    device.on_uncaptured_error(Arc::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    let gpu = Gpu::from_device(device.clone(), queue, adapter.get_info());
    let mut canvas = Canvas::new(&gpu, SIZE).unwrap().with_clock(Clock::stepped(FrameRate::whole(10)));
    let listener = listen(&canvas.capture_stream(None).unwrap());
    for shade in [100, 200] {
        // A fault of the program's: a buffer cannot be mapped for both.
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::UNIFORM;
        let faulty = wgpu::BufferDescriptor { label: None, size: 4, usage, mapped_at_creation: false };
        drop(device.create_buffer(&faulty));
        canvas.draw(grey(shade));
        canvas.present().unwrap();
        assert_eq!(next(&listener).0.data()[0], luma(shade));
    }
    assert_eq!(told.load(Ordering::Relaxed), 2, "the program's handler was told of both");
}
