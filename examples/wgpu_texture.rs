//! Your own wgpu drawing, recorded: `wgpu_texture [FILE.webm]`.
//!
//! The program has its own device and draws into the canvas's texture, as into a window's. framereel filters the
//! texture on the same device, reads it back while the next frame is drawn, encodes it and writes the file. The clock
//! is stepped: each frame is 1/30 s after the last, however long it took to draw.

use framereel::{Canvas, Clock, Event, FileSink, FrameRate, Gpu, MediaRecorder, MediaRecorderOptions, Size};

const SIZE: Size = Size::new(640, 360);
const RATE: FrameRate = FrameRate::whole(30);
const FRAMES: u64 = 90;

/// A rotating triangle.
const TRIANGLE: &str = "
struct Corner { @builtin(position) position: vec4f, @location(0) color: vec3f }

@vertex fn corner(@builtin(vertex_index) index: u32, @builtin(instance_index) frame: u32) -> Corner {
    let angle = f32(index) * 2.0944 + f32(frame) * 0.0698;
    let color = vec3f(f32(index == 0u), f32(index == 1u), f32(index == 2u));
    return Corner(vec4f(0.45 * cos(angle), 0.8 * sin(angle), 0.0, 1.0), color);
}

@fragment fn shade(corner: Corner) -> @location(0) vec4f { return vec4f(corner.color, 1.0); }
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let output = std::env::args().nth(1).unwrap_or("triangle.webm".into());

    // The parts that such a program has already: a device, a texture, a pipeline.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
    let format = wgpu::TextureFormat::Rgba8UnormSrgb;
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(TRIANGLE.into()),
    });
    let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: None,
        layout: None,
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("corner"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some("shade"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(format.into())],
        }),
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        multiview_mask: None,
        cache: None,
    });

    // The parts that framereel adds.
    let gpu = Gpu::from_device(device.clone(), queue.clone(), adapter.get_info());
    let mut canvas = Canvas::new(&gpu, SIZE)?.with_clock(Clock::stepped(RATE));
    canvas.set_filter(&"bloom(1.5, 12px, 0.2) vignette(0.3)".parse()?);
    let recorder = MediaRecorder::new(&canvas.capture_stream(None)?, MediaRecorderOptions::default())?;
    recorder.start_to(FileSink::create(&output)?)?;
    for index in 0..FRAMES {
        let view =
            canvas.texture()?.create_view(&wgpu::TextureViewDescriptor { format: Some(format), ..Default::default() });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
            })],
            ..Default::default()
        });
        pass.set_pipeline(&pipeline);
        pass.draw(0..3, index as u32..index as u32 + 1);
        drop(pass);
        queue.submit([encoder.finish()]);
        canvas.present()?;
    }
    recorder.stop();
    for event in recorder.events() {
        if let Event::Error(error) = event {
            return Err(error.into());
        }
    }
    println!("{output}: {} frames", recorder.report().frames_encoded);
    Ok(())
}
