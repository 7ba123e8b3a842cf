//! Shows a stream, as the browser's `<video autoplay muted>` does: [`Preview`] draws the newest frame of a stream into a
//! texture or a render pass of the program's own, and [`WindowSurface`] gives the textures of a window.
//!
//! ```text
//!  canvas's thread "filter"                              the thread that draws the window
//! ┌─────────────────────┐ I420  ┌────────────────┐       ┌──────────────────────────────────┐
//! │ filter, readback    ├──────▶│ TrackProcessor ├──────▶│ Preview: upload, YUV to RGB      │
//! └──────────┬──────────┘       │ (newest frame) │ wakes │ WindowSurface: acquire, present  │
//!            │ the same frame   └────────────────┘       └──────────────────────────────────┘
//!            └───────────────▶ recorders
//! ```
//!
//! - **Recordings do not wait for the screen**, nor the screen for recordings: a preview takes the newest frame and skips
//!   others. It may be on another device than the canvas ([`WindowSurface::new`] makes one), so that a slow driver does
//!   not make one wait for the other, and a lost window harms no recording.
//! - **Filters run once**: a preview shows the frames that recorders get, in the same colours.

mod surface;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use surface::WindowSurface;

use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat, Rect, Size};
use crate::gpu::{Gpu, quad_pipeline};
use crate::stream::{MediaStream, TrackProcessor};

/// The most samples that one pixel takes each way; a frame that is reduced further is shown with less care.
const MOST_TAPS: u32 = 8;

/// Draws the newest frame of a stream's video: whole, centred, in its aspect ratio.
///
/// A canvas is shown by a stream of it ([`Canvas::capture_stream`](crate::Canvas::capture_stream)). While a preview is
/// there, the canvas is captured for it as for a recorder.
///
/// ```
/// use framereel::preview::Preview;
/// use framereel::{Canvas, Frame, Gpu, Size, wgpu};
///
/// # fn main() -> framereel::Result<()> {
/// let gpu = Gpu::new()?;
/// let mut canvas = Canvas::new(&gpu, Size::new(64, 48))?;
/// let mut preview = Preview::new(&gpu, &canvas.capture_stream(None)?)?;
/// // In a window: `preview.on_change(move || window.request_redraw())`.
/// canvas.draw(Frame::black(canvas.size()));
/// canvas.present()?;
/// // In a window, this is the surface's texture: `WindowSurface::draw`.
/// let screen = gpu.device().create_texture(&wgpu::TextureDescriptor {
///     label: None,
///     size: wgpu::Extent3d { width: 640, height: 480, depth_or_array_layers: 1 },
///     mip_level_count: 1,
///     sample_count: 1,
///     dimension: wgpu::TextureDimension::D2,
///     format: wgpu::TextureFormat::Bgra8Unorm,
///     usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
///     view_formats: &[],
/// });
/// preview.draw(&screen)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Preview {
    gpu: Gpu,
    frames: TrackProcessor,
    sampler: wgpu::Sampler,
    layout: wgpu::BindGroupLayout,
    info: wgpu::Buffer,
    pipelines: HashMap<PipelineKey, wgpu::RenderPipeline>,
    picture: Option<Picture>,
    shown: u64,
    /// Those of earlier streams.
    skipped: u64,
}

/// What a pipeline is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct PipelineKey {
    format: wgpu::TextureFormat,
    luma_taps: u32,
    chroma_taps: u32,
}

/// The frame that is shown: its planes on the GPU.
#[derive(Debug)]
struct Picture {
    size: Size,
    color: ColorSpace,
    planes: [wgpu::Texture; 3],
    group: wgpu::BindGroup,
}

/// `PreviewInfo` of shaders/window/preview.wgsl, byte for byte.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct PreviewInfo {
    yuv_to_rgb: [[f32; 4]; 3],
    origin: [f32; 2],
    extent: [f32; 2],
    target_size: [f32; 2],
    frame_size: [f32; 2],
}

impl Preview {
    /// Shows the video of this stream, from its next frame on, with this device.
    ///
    /// # Errors
    /// `NotSupportedError` when the stream has no video track; `UnknownError` when the GPU fails.
    pub fn new(gpu: &Gpu, stream: &MediaStream) -> Result<Self> {
        let frames = frames_of(stream)?;
        let device = gpu.device();
        let texture = |binding| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: true },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
            count: None,
        };
        gpu.scoped(|| {
            let info = device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("preview info"),
                size: size_of::<PreviewInfo>() as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
                label: Some("preview"),
                mag_filter: wgpu::FilterMode::Linear,
                min_filter: wgpu::FilterMode::Linear,
                ..Default::default()
            });
            let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some("preview"),
                entries: &[
                    wgpu::BindGroupLayoutEntry {
                        binding: 0,
                        visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                        ty: wgpu::BindingType::Buffer {
                            ty: wgpu::BufferBindingType::Uniform,
                            has_dynamic_offset: false,
                            min_binding_size: None,
                        },
                        count: None,
                    },
                    texture(1),
                    texture(2),
                    texture(3),
                    wgpu::BindGroupLayoutEntry {
                        binding: 4,
                        visibility: wgpu::ShaderStages::FRAGMENT,
                        ty: wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
                        count: None,
                    },
                ],
            });
            let (pipelines, picture) = (HashMap::new(), None);
            Ok(Self { gpu: gpu.clone(), frames, sampler, layout, info, pipelines, picture, shown: 0, skipped: 0 })
        })
    }

    /// Shows another stream from its next frame on; until then the last frame of the old one stays. The callback of
    /// [`Preview::on_change`] has to be set again.
    ///
    /// # Errors
    /// `NotSupportedError` when the stream has no video track; then nothing changes.
    pub fn set_stream(&mut self, stream: &MediaStream) -> Result<()> {
        let before = std::mem::replace(&mut self.frames, frames_of(stream)?);
        self.skipped += before.skipped();
        Ok(())
    }

    /// Calls `on_change` when there is a new frame to draw, and when the stream has ended. It is called on the thread
    /// that delivers frames to recorders too, and must return at once: ask the window to redraw, and draw there. Drop the
    /// preview before the window's event loop ends: winit's `request_redraw` panics afterwards.
    pub fn on_change(&self, on_change: impl Fn() + Send + Sync + 'static) {
        self.frames.on_change(on_change);
    }

    /// Takes the newest frame of the stream, if there is a new one; returns whether there was. Drawing does this too.
    ///
    /// # Errors
    /// `UnknownError` when the GPU fails.
    pub fn update(&mut self) -> Result<bool> {
        let Some(frame) = self.frames.try_next() else { return Ok(false) };
        self.upload(&frame)?;
        self.shown += 1;
        Ok(true)
    }

    /// Draws the newest frame into the whole texture, with black beside it, and submits the work. The texture belongs
    /// to this preview's device, has a colour format and `RENDER_ATTACHMENT` among its usages.
    ///
    /// # Errors
    /// `UnknownError` when the GPU fails or refuses the texture.
    pub fn draw(&mut self, target: &wgpu::Texture) -> Result<()> {
        self.update()?;
        let size = Size::new(target.width(), target.height());
        let gpu = self.gpu.clone();
        gpu.scoped(|| {
            let view = target.create_view(&wgpu::TextureViewDescriptor::default());
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut pass = black_pass(&mut encoder, &view);
            self.render(&mut pass, target.format(), size, Rect::whole(size));
            drop(pass);
            gpu.queue().submit([encoder.finish()]);
            Ok(())
        })
    }

    /// Records the drawing of the present frame into `area` of a target of this size and format, in the target's pixels;
    /// returns the rectangle that the frame fills: the largest one of its aspect ratio, on whole pixels. None, and
    /// nothing drawn, while there is no frame or the area is empty. Once for each submission: a second drawing replaces
    /// the place of the first.
    pub fn render(
        &mut self,
        pass: &mut wgpu::RenderPass,
        format: wgpu::TextureFormat,
        target: Size,
        area: Rect,
    ) -> Option<Rect> {
        let picture = self.picture.as_ref()?;
        let size = picture.size;
        let place = letterboxed(size, area)?;
        let pixels = |width: f64, height: f64| [width as f32, height as f32];
        let info = PreviewInfo {
            yuv_to_rgb: picture.color.yuv_to_rgb(),
            origin: pixels(place.x, place.y),
            extent: pixels(place.width, place.height),
            target_size: [target.width as f32, target.height as f32],
            frame_size: [size.width as f32, size.height as f32],
        };
        self.gpu.queue().write_buffer(&self.info, 0, bytemuck::bytes_of(&info));
        let reduction = f64::from(size.width) / place.width;
        let taps = |reduction: f64| (reduction.ceil() as u32).clamp(1, MOST_TAPS);
        let key = PipelineKey { format, luma_taps: taps(reduction), chroma_taps: taps(reduction / 2.0) };
        let (gpu, layout) = (&self.gpu, &self.layout);
        let pipeline = self.pipelines.entry(key).or_insert_with(|| compile(gpu, layout, key));
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &self.picture.as_ref()?.group, &[]);
        pass.draw(0..4, 0..1);
        Some(place)
    }

    /// The size of the frame that is shown, in pixels; none before the first.
    pub fn size(&self) -> Option<Size> {
        self.picture.as_ref().map(|picture| picture.size)
    }

    /// Whether the stream has ended; its last frame stays.
    pub fn is_over(&self) -> bool {
        self.frames.is_over()
    }

    /// How many frames it took, and how many were replaced by newer ones before it could, of all streams that it showed.
    pub fn counts(&self) -> (u64, u64) {
        (self.shown, self.skipped + self.frames.skipped())
    }

    fn upload(&mut self, frame: &Frame) -> Result<()> {
        if frame.format() != PixelFormat::I420 {
            let found = frame.format();
            return Err(Error::not_supported(format!("expected an I420 frame to show but found {found:?}")));
        }
        self.gpu.check_size(frame.size())?;
        let gpu = self.gpu.clone();
        gpu.scoped(|| {
            let picture = match self.picture.take().filter(|picture| picture.size == frame.size()) {
                Some(picture) => picture,
                None => self.make_picture(frame.size()),
            };
            for (index, texture) in picture.planes.iter().enumerate() {
                let layout = wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(frame.planes()[index].stride as u32),
                    rows_per_image: None,
                };
                self.gpu.queue().write_texture(
                    texture.as_image_copy(),
                    frame.plane_data(index),
                    layout,
                    texture.size(),
                );
            }
            self.picture = Some(Picture { color: frame.color, ..picture });
            Ok(())
        })
    }

    fn make_picture(&self, size: Size) -> Picture {
        let device = self.gpu.device();
        let planes = [0, 1, 2].map(|plane| {
            let (width, height) = PixelFormat::I420.plane_size(plane, size);
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some("preview plane"),
                size: wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: wgpu::TextureFormat::R8Unorm,
                usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            })
        });
        let views = planes.each_ref().map(|plane| plane.create_view(&wgpu::TextureViewDescriptor::default()));
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("preview"),
            layout: &self.layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: self.info.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(&views[0]) },
                wgpu::BindGroupEntry { binding: 2, resource: wgpu::BindingResource::TextureView(&views[1]) },
                wgpu::BindGroupEntry { binding: 3, resource: wgpu::BindingResource::TextureView(&views[2]) },
                wgpu::BindGroupEntry { binding: 4, resource: wgpu::BindingResource::Sampler(&self.sampler) },
            ],
        });
        Picture { size, color: ColorSpace::RECORDED, planes, group }
    }
}

/// The frames of the stream's first video track.
fn frames_of(stream: &MediaStream) -> Result<TrackProcessor> {
    let track = stream.video_tracks().into_iter().next();
    let none = || Error::not_supported("expected a stream with a video track to show but found none");
    TrackProcessor::new(&track.ok_or_else(none)?)
}

/// A render pass that first makes this view black, for [`Preview::render`] and drawings of your own.
pub fn black_pass<'a>(encoder: &'a mut wgpu::CommandEncoder, view: &wgpu::TextureView) -> wgpu::RenderPass<'a> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some("preview"),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
        })],
        ..wgpu::RenderPassDescriptor::default()
    })
}

/// The largest rectangle of the picture's aspect ratio in the middle of `area`, on whole pixels and at least one pixel
/// wide and high; none in an area of less than a pixel.
fn letterboxed(picture: Size, area: Rect) -> Option<Rect> {
    if area.width < 1.0 || area.height < 1.0 || picture.pixels() == 0 {
        return None;
    }
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let scale = (area.width / width).min(area.height / height);
    let [width, height] = [width, height].map(|side| (side * scale).round().max(1.0));
    let (x, y) = (area.x + (area.width - width) / 2.0, area.y + (area.height - height) / 2.0);
    Some(Rect::new(x.round(), y.round(), width, height))
}

fn compile(gpu: &Gpu, layout: &wgpu::BindGroupLayout, key: PipelineKey) -> wgpu::RenderPipeline {
    let device = gpu.device();
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("preview"),
        bind_group_layouts: &[Some(layout)],
        immediate_size: 0,
    });
    let constants = [
        ("LUMA_TAPS", f64::from(key.luma_taps)),
        ("CHROMA_TAPS", f64::from(key.chroma_taps)),
        ("LINEAR", f64::from(u8::from(key.format.is_srgb()))),
    ];
    let wgsl = include_str!("../../shaders/window/preview.wgsl");
    quad_pipeline(device, "preview", wgsl, &constants, Some(&pipeline_layout), key.format.into())
}
