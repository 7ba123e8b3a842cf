//! Your own wgpu drawing, recorded: `wgpu_texture [FILE.webm]`.
//!
//! The program has a device of its own and draws into a texture of its own; framereel filters what is there, on the same
//! device, reads it back while the next frame is drawn, encodes it and writes the file.

use framereel::canvas::Capture;
use framereel::color::ColorSpace;
use framereel::encode::{self, EncoderChoice, EncoderConfig, Target, VideoEncoder};
use framereel::frame::{PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::mux::{VideoTrack, WebmWriter};
use framereel::packet::EncodedPacket;
use framereel::recorder::FileSink;
use framereel::time::{FrameRate, Span};

const SIZE: Size = Size::new(640, 360);
const RATE: FrameRate = FrameRate::whole(30);
const FRAMES: u64 = 90;

/// A triangle that turns.
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

    // What such a program has already: a device, a texture, a pipeline.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
    let format = wgpu::TextureFormat::Rgba8UnormSrgb;
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: SIZE.width, height: SIZE.height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING,
        view_formats: &[],
    });
    let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
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

    // What framereel adds.
    let gpu = Gpu::from_device(device.clone(), queue.clone(), adapter.get_info());
    let mut capture = Capture::new(&gpu, &"bloom(1.5, 12px, 0.2) vignette(0.3)".parse()?, SIZE, PixelFormat::I420);
    let mut recording = Recording::begin(&output)?;
    for index in 0..FRAMES {
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

        if capture.is_full() {
            recording.take(&mut capture)?;
        }
        capture.submit_texture(&texture, RATE.timestamp(index))?;
    }
    while !capture.is_empty() {
        recording.take(&mut capture)?;
    }
    recording.finish()?;
    println!("{output}: {FRAMES} frames");
    Ok(())
}

/// An encoder and the file that its packets go to.
struct Recording {
    encoder: Box<dyn VideoEncoder>,
    packets: Vec<EncodedPacket>,
    sink: FileSink,
}

impl Recording {
    fn begin(path: &str) -> framereel::Result<Self> {
        let config = EncoderConfig {
            size: SIZE,
            rate: RATE,
            target: Target::Bitrate(2_500_000),
            speed: None,
            key_interval: Span::from_secs(2),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        };
        let encoder = encode::open(EncoderChoice::Auto, &config)?;
        Ok(Self { encoder, packets: Vec::new(), sink: FileSink::create(path, true)? })
    }

    /// Encodes the picture that comes back next.
    fn take(&mut self, capture: &mut Capture) -> framereel::Result<()> {
        match capture.take()? {
            Some(frame) => self.encoder.encode(&frame, RATE.frame_span(), false, &mut self.packets),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> framereel::Result<()> {
        self.encoder.finish(&mut self.packets)?;
        let codec_private = self.encoder.codec_private().unwrap_or_default();
        let track = VideoTrack { size: SIZE, codec_private, color: ColorSpace::RECORDED };
        let mut writer = WebmWriter::new(self.sink, &track)?;
        self.packets.iter().try_for_each(|packet| writer.write(packet))?;
        writer.finish().outcome
    }
}
