//! Your own winit and wgpu drawing, in a window and in a file: `winit_game [FILE.webm]`. `q` or closing ends both.
//!
//! The game draws each frame twice with one device: into the window's texture, and into the canvas's, which framereel
//! filters and records. The canvas's clock is real; what the encoder is too slow for is dropped and counted, and the
//! game never waits for it.

use std::sync::Arc;
use std::time::Instant;

use framereel::preview::WindowSurface;
use framereel::{Canvas, Event, FileSink, MediaRecorder, MediaRecorderOptions, Size, wgpu};
use winit::application::ApplicationHandler;
use winit::event::{ElementState, WindowEvent};
use winit::event_loop::{ActiveEventLoop, EventLoop};
use winit::window::{Window, WindowId};

const SIZE: Size = Size::new(640, 360);

/// A rotating triangle; the angle is in place of a game's state.
const TRIANGLE: &str = "
struct Corner { @builtin(position) position: vec4f, @location(0) color: vec3f }
@group(0) @binding(0) var<uniform> angle: vec4f;

@vertex fn corner(@builtin(vertex_index) index: u32) -> Corner {
    let turned = f32(index) * 2.0944 + angle.x;
    let color = vec3f(f32(index == 0u), f32(index == 1u), f32(index == 2u));
    return Corner(vec4f(0.45 * cos(turned), 0.8 * sin(turned), 0.0, 1.0), color);
}

@fragment fn shade(corner: Corner) -> @location(0) vec4f { return vec4f(corner.color, 1.0); }
";

struct Game {
    file: String,
    begun: Instant,
    running: Option<Running>,
}

struct Running {
    window: Arc<Window>,
    surface: WindowSurface,
    canvas: Canvas,
    recorder: MediaRecorder,
    angle: wgpu::Buffer,
    /// One for the window's format, one for the canvas's.
    pipelines: [(wgpu::RenderPipeline, wgpu::BindGroup); 2],
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or("game.webm".into());
    let mut game = Game { file, begun: Instant::now(), running: None };
    EventLoop::new()?.run_app(&mut game)?;
    let Some(Running { recorder, .. }) = &game.running else { return Err("the window could not be opened".into()) };
    recorder.stop();
    for event in recorder.events() {
        if let Event::Error(error) = event {
            return Err(error.into());
        }
    }
    let report = recorder.report();
    println!("{}: {} frames, {} dropped", game.file, report.frames_encoded, report.frames_dropped);
    Ok(())
}

impl Running {
    fn begin(event_loop: &ActiveEventLoop, file: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let window = Arc::new(event_loop.create_window(Window::default_attributes().with_title("game"))?);
        let size = window.inner_size();
        let surface = WindowSurface::new(window.clone(), Size::new(size.width, size.height))?;
        let device = surface.gpu().device();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(TRIANGLE.into()),
        });
        let angle = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 16,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let pipelines = [surface.format(), Canvas::TEXTURE_FORMAT].map(|format| {
            let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: None,
                layout: None,
                vertex: wgpu::VertexState {
                    module: &module,
                    entry_point: Some("corner"),
                    compilation_options: Default::default(),
                    buffers: &[],
                },
                fragment: Some(wgpu::FragmentState {
                    module: &module,
                    entry_point: Some("shade"),
                    compilation_options: Default::default(),
                    targets: &[Some(format.into())],
                }),
                primitive: Default::default(),
                depth_stencil: None,
                multisample: Default::default(),
                multiview_mask: None,
                cache: None,
            });
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &pipeline.get_bind_group_layout(0),
                entries: &[wgpu::BindGroupEntry { binding: 0, resource: angle.as_entire_binding() }],
            });
            (pipeline, group)
        });
        // The parts that framereel adds.
        let mut canvas = Canvas::new(surface.gpu(), SIZE)?;
        canvas.set_filter(&"vignette(0.5)".parse()?);
        let recorder = MediaRecorder::new(&canvas.capture_stream(30.0)?, MediaRecorderOptions::default())?;
        recorder.start_to(FileSink::create(file)?)?;
        Ok(Self { window, surface, canvas, recorder, angle, pipelines })
    }

    fn draw(&mut self, angle: f32) -> framereel::Result<()> {
        let gpu = self.surface.gpu().clone();
        gpu.queue().write_buffer(&self.angle, 0, bytemuck::cast_slice(&[angle, 0.0, 0.0, 0.0]));
        let [window, canvas] = &self.pipelines;
        self.surface.draw(|texture| {
            render(gpu.device(), gpu.queue(), texture, window);
            Ok(())
        })?;
        render(gpu.device(), gpu.queue(), &self.canvas.texture()?, canvas);
        self.canvas.present()
    }
}

/// Draws the scene into this texture.
fn render(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
    (pipeline, group): &(wgpu::RenderPipeline, wgpu::BindGroup),
) {
    let view = texture.create_view(&Default::default());
    let mut encoder = device.create_command_encoder(&Default::default());
    let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: &view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
        })],
        ..Default::default()
    });
    pass.set_pipeline(pipeline);
    pass.set_bind_group(0, group, &[]);
    pass.draw(0..3, 0..1);
    drop(pass);
    queue.submit([encoder.finish()]);
}

impl ApplicationHandler for Game {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        match Running::begin(event_loop, &self.file) {
            Ok(running) => self.running = Some(running),
            Err(error) => {
                eprintln!("error: {error}");
                event_loop.exit();
            }
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let Some(running) = &mut self.running else { return };
        match event {
            WindowEvent::CloseRequested => event_loop.exit(),
            WindowEvent::KeyboardInput { event, is_synthetic: false, .. }
                if event.state == ElementState::Pressed && event.logical_key.to_text() == Some("q") =>
            {
                event_loop.exit();
            }
            WindowEvent::Resized(size) => running.surface.resize(Size::new(size.width, size.height)),
            WindowEvent::RedrawRequested => {
                if let Err(error) = running.draw(self.begun.elapsed().as_secs_f32() * 2.0) {
                    eprintln!("error: {error}");
                    return event_loop.exit();
                }
                running.window.request_redraw();
            }
            _ => {}
        }
    }
}
