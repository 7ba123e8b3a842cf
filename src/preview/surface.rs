//! The surface of a window: gives a texture for each picture, and makes itself anew where the window's system took it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::frame::Size;
use crate::gpu::Gpu;

/// A window's surface, with the device that draws on it.
///
/// It follows the window's size, and configures itself again when the system asks for it. When the device is lost,
/// [`WindowSurface::draw`] fails: make another one.
#[derive(Debug)]
pub struct WindowSurface {
    surface: wgpu::Surface<'static>,
    gpu: Gpu,
    config: wgpu::SurfaceConfiguration,
    configured: bool,
    lost: Arc<AtomicBool>,
}

impl WindowSurface {
    /// The surface of a window of this size in pixels, and the fastest adapter that can draw there. A winit window is
    /// given as an `Arc<Window>`; on macOS, call this on the main thread.
    ///
    /// # Errors
    /// `NotFoundError` when no adapter can draw on the window.
    pub fn new(window: impl Into<wgpu::SurfaceTarget<'static>>, size: Size) -> Result<Self> {
        let (gpu, surface, capabilities) = Gpu::for_surface(window.into())?;
        // Colours are sRGB-encoded already: a format that does not encode them keeps them as they are.
        let format = capabilities
            .formats
            .iter()
            .copied()
            .find(|format| matches!(format, wgpu::TextureFormat::Bgra8Unorm | wgpu::TextureFormat::Rgba8Unorm));
        let format = format.or(capabilities.formats.first().copied());
        let format = format.ok_or_else(|| {
            Error::not_found(format!("expected a window that {} can draw on but found none", gpu.info().name))
        })?;
        let config = wgpu::SurfaceConfiguration {
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
            format,
            color_space: wgpu::SurfaceColorSpace::Auto,
            width: size.width,
            height: size.height,
            present_mode: wgpu::PresentMode::AutoVsync,
            desired_maximum_frame_latency: 2,
            alpha_mode: wgpu::CompositeAlphaMode::Auto,
            view_formats: Vec::new(),
        };
        let lost = Arc::new(AtomicBool::new(false));
        let flag = lost.clone();
        gpu.device().set_device_lost_callback(move |_, _| flag.store(true, Ordering::Release));
        Ok(Self { surface, gpu, config, configured: false, lost })
    }

    /// The device that draws on it.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// The format of its textures.
    pub fn format(&self) -> wgpu::TextureFormat {
        self.config.format
    }

    /// The window's size in pixels.
    pub fn size(&self) -> Size {
        Size::new(self.config.width, self.config.height)
    }

    /// The window has this size in pixels now; 0 in a direction means that nothing is to be seen.
    pub fn resize(&mut self, size: Size) {
        if self.size() != size {
            (self.config.width, self.config.height) = (size.width, size.height);
            self.configured = false;
        }
    }

    /// Calls `draw` with the texture to draw the next picture into, which is black or has an older picture, and shows it
    /// when `draw` has submitted its work. Returns whether it was shown: nothing is drawn while the window cannot be
    /// seen, as when it is minimised. Waits for the display.
    ///
    /// # Errors
    /// Those of `draw`, and `UnknownError` when the device is lost or refuses the surface.
    pub fn draw(&mut self, draw: impl FnOnce(&wgpu::Texture) -> Result<()>) -> Result<bool> {
        let most = self.gpu.max_size();
        if self.config.width == 0 || self.config.height == 0 {
            return Ok(false);
        }
        // A window may be larger than a texture; then a part of it stays black.
        let config = wgpu::SurfaceConfiguration {
            width: self.config.width.min(most),
            height: self.config.height.min(most),
            ..self.config.clone()
        };
        // A surface that does not fit any more is configured again, once for each picture.
        let mut refused = false;
        for _ in 0..2 {
            if self.lost.load(Ordering::Acquire) {
                return Err(Error::unknown("the window's device was lost"));
            }
            if !std::mem::replace(&mut self.configured, true) {
                self.gpu.scoped(|| {
                    self.surface.configure(self.gpu.device(), &config);
                    Ok(())
                })?;
            }
            match self.gpu.scoped(|| Ok(self.surface.get_current_texture()))? {
                wgpu::CurrentSurfaceTexture::Success(texture) => return self.show(texture, draw),
                wgpu::CurrentSurfaceTexture::Suboptimal(texture) => {
                    self.configured = false;
                    return self.show(texture, draw);
                }
                wgpu::CurrentSurfaceTexture::Timeout | wgpu::CurrentSurfaceTexture::Occluded => return Ok(false),
                wgpu::CurrentSurfaceTexture::Outdated => self.configured = false,
                // The errors of a lost device are in no error scope.
                wgpu::CurrentSurfaceTexture::Validation => (self.configured, refused) = (false, true),
                wgpu::CurrentSurfaceTexture::Lost => return Err(Error::unknown("the window's surface was lost")),
            }
        }
        if refused { Err(Error::unknown("the window's device refused its surface")) } else { Ok(false) }
    }

    fn show(&self, texture: wgpu::SurfaceTexture, draw: impl FnOnce(&wgpu::Texture) -> Result<()>) -> Result<bool> {
        self.gpu.scoped(|| draw(&texture.texture))?;
        self.gpu.queue().present(texture);
        Ok(true)
    }
}
