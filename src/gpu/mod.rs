//! The GPU: an adapter with its device and queue, and the passes that run on it.

use crate::error::{Error, Result};
use crate::frame::Size;

mod blend;
mod pass;
mod quad;
mod readback;
pub(crate) mod shader;
mod step;
mod textures;
mod upload;

pub(crate) use blend::Blend;
pub(crate) use pass::{Drawing, RenderTarget, RenderedLayer, Renderer, alarm, light};
pub(crate) use quad::quad_pipeline;
pub(crate) use readback::{PackedPicture, Readback};

/// An adapter with its device and queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: wgpu::AdapterInfo,
}

impl Gpu {
    /// The fastest adapter: a GPU, or else a software driver.
    ///
    /// # Errors
    /// `NotFoundError` when there is none, naming what to install.
    pub fn new() -> Result<Self> {
        let _span = tracing::debug_span!("open GPU").entered();
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        Self::request(&instance, None).map(|(gpu, _)| gpu)
    }

    /// The fastest adapter that can draw on this window, with the window's surface and what it supports.
    pub(crate) fn for_surface(
        window: wgpu::SurfaceTarget<'static>,
    ) -> Result<(Self, wgpu::Surface<'static>, wgpu::SurfaceCapabilities)> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let surface = instance.create_surface(window).map_err(|error| {
            Error::not_found("expected a window that a GPU can draw on but the system gave no surface for it")
                .with_cause(error)
        })?;
        let (gpu, adapter) = Self::request(&instance, Some(&surface))?;
        let capabilities = surface.get_capabilities(&adapter);
        Ok((gpu, surface, capabilities))
    }

    fn request(instance: &wgpu::Instance, surface: Option<&wgpu::Surface>) -> Result<(Self, wgpu::Adapter)> {
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            compatible_surface: surface,
            ..Default::default()
        };
        let adapter = pollster::block_on(instance.request_adapter(&options)).map_err(|error| {
            let remedy = if cfg!(target_os = "linux") {
                "; install a driver for your GPU, or one that needs none: `apt install mesa-vulkan-drivers`"
            } else {
                "; install your GPU's driver"
            };
            let which = if surface.is_some() { " that can draw on the window" } else { "" };
            let expected =
                format!("expected a GPU adapter (Vulkan, Metal or DirectX 12){which} but found none{remedy}");
            Error::not_found(expected).with_cause(error)
        })?;
        // All limits of the adapter, because a frame of 8K and more is one buffer.
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("framereel"),
            required_limits: adapter.limits(),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|error| Error::not_found("the GPU adapter gave no device").with_cause(error))?;
        Ok((Self::from_device(device, queue, adapter.get_info()), adapter))
    }

    /// Uses the program's own device to draw and filter frames. The device's error handlers do not change: errors of
    /// this crate are caught in error scopes, and other errors on the device are not handled here.
    pub fn from_device(device: wgpu::Device, queue: wgpu::Queue, info: wgpu::AdapterInfo) -> Self {
        Self { device, queue, info }
    }

    /// The adapter's name, driver and kind.
    pub fn info(&self) -> &wgpu::AdapterInfo {
        &self.info
    }

    /// The adapter's human-readable name, with its driver: `llvmpipe (LLVM 15.0.6, 256 bits), llvmpipe 22.3.6`.
    pub fn name(&self) -> String {
        let wgpu::AdapterInfo { name, driver, driver_info, .. } = &self.info;
        match [driver.as_str(), driver_info.as_str()].join(" ").trim() {
            "" => name.clone(),
            driver => format!("{name}, {driver}"),
        }
    }

    /// The greatest width and height of a picture, in pixels.
    pub fn max_size(&self) -> u32 {
        self.device.limits().max_texture_dimension_2d
    }

    /// The device.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// Checks that frames of this size are supported; otherwise a range error that names the limit.
    pub fn check_size(&self, size: Size) -> Result<()> {
        // The largest buffer of a frame holds four bytes a pixel.
        self.check_size_of(size, 4)
    }

    /// The same for a frame of this many bytes a pixel.
    pub(crate) fn check_size_of(&self, size: Size, bytes_a_pixel: u64) -> Result<()> {
        let most = self.max_size();
        if size.width == 0 || size.height == 0 {
            return Err(Error::range(format!("expected a size of at least 1x1 but found {size}")));
        }
        let limits = self.device.limits();
        let bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        // Rows of RGBA are padded to 64 pixels.
        let padded = Size::new(size.width.min(most).next_multiple_of(64), size.height);
        if size.width > most || size.height > most || padded.pixels() * bytes_a_pixel > bytes {
            return Err(Error::range(format!(
                "expected a size of at most {most}x{most} and {} megapixels, with rows of whole 64 pixels, which is what \
                 {} takes, but found {size}",
                bytes / (1_000_000 * bytes_a_pixel),
                self.info.name
            )));
        }
        Ok(())
    }

    /// Runs `work` in error scopes, because some device errors are reported only there.
    ///
    /// # Errors
    /// The error of `work`; otherwise `UnknownError` with the device's error.
    pub(crate) fn scoped<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        use wgpu::ErrorFilter::{Internal, OutOfMemory, Validation};
        let scopes = [Internal, OutOfMemory, Validation].map(|filter| self.device.push_error_scope(filter));
        let result = work();
        // All scopes are popped, the last one first.
        let errors = scopes.into_iter().rev().map(|scope| pollster::block_on(scope.pop()));
        let reported = errors.fold(None, |first, error| first.or(error));
        let value = result?;
        match reported {
            Some(error) => Err(Error::unknown("the GPU failed").with_cause(error)),
            None => Ok(value),
        }
    }
}

/// A buffer that shaders read and write, and that is copied from and to.
fn storage(device: &wgpu::Device, label: &str, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}
