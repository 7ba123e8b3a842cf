//! A program that depends on this crate: it has a wgpu device of its own, clears a texture with one colour after the
//! other, and records it. Run by `tests/package.rs`, outside of this crate's folder.

use framereel::wgpu;
use framereel::{Canvas, Clock, Event, FileSink, FrameRate, Gpu, MediaRecorder, MediaRecorderOptions, Size};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let output = std::env::args().nth(1).ok_or("expected a file to write")?;
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
    let gpu = Gpu::from_device(device.clone(), queue.clone(), adapter.get_info());

    let mut canvas = Canvas::new(&gpu, Size::new(64, 64))?.with_clock(Clock::stepped(FrameRate::whole(30)));
    canvas.set_filter(&"invert(1)".parse()?);
    let recorder = MediaRecorder::new(&canvas.capture_stream(None)?, MediaRecorderOptions::default())?;
    recorder.start_to(FileSink::create_new(output)?)?;
    for index in 0..30 {
        let view = canvas.texture()?.create_view(&wgpu::TextureViewDescriptor::default());
        let green = f64::from(index) / 29.0;
        let color = wgpu::Color { r: 1.0, g: green, b: 1.0, a: 1.0 };
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations { load: wgpu::LoadOp::Clear(color), store: wgpu::StoreOp::Store },
            })],
            ..Default::default()
        });
        queue.submit([encoder.finish()]);
        canvas.present()?;
    }
    recorder.stop();
    for event in recorder.events() {
        if let Event::Error(error) = event {
            return Err(error.into());
        }
    }
    assert_eq!(recorder.report().frames_encoded, 30);
    Ok(())
}
