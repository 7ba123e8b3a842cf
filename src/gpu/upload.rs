//! Uploads a frame's bytes to the GPU without conversion: all planes in one storage buffer, laid out as what is read back
//! ([`layout`]). The first pass unpacks them: sixteen samples at a time of I420, four pixels of RGBA, four samples of
//! others, which are two words where they have more than 8 bits.

use std::num::NonZeroU64;

use super::Gpu;
use crate::frame::{Frame, PixelFormat, Size};

/// A storage buffer for frames of one format and size.
pub struct SourceBuffer {
    buffer: wgpu::Buffer,
    /// None for light, which has no planes.
    format: Option<PixelFormat>,
    size: Size,
}

impl SourceBuffer {
    pub fn new(gpu: &Gpu, format: PixelFormat, size: Size) -> Self {
        let bytes = packed_bytes(format, size);
        let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("source"),
            size: bytes as u64,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self { buffer, format: Some(format), size }
    }

    /// The buffer of a picture that another renderer has packed as RGBA.
    pub fn of_packed(buffer: &wgpu::Buffer, size: Size) -> Self {
        Self { buffer: buffer.clone(), format: Some(PixelFormat::Rgba8), size }
    }

    /// The buffer of light that another renderer has added up.
    pub fn of_light(light: &wgpu::Buffer, size: Size) -> Self {
        Self { buffer: light.clone(), format: None, size }
    }

    pub fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// The offset and the stride of each plane, in words.
    pub fn words(&self) -> ([u32; 4], [u32; 4]) {
        let mut offsets = [0; 4];
        let mut strides = [0; 4];
        let planes = self.format.map(|format| layout(format, self.size)).unwrap_or_default();
        for (index, plane) in planes.iter().enumerate() {
            offsets[index] = (plane.offset / 4) as u32;
            strides[index] = (plane.stride / 4) as u32;
        }
        (offsets, strides)
    }

    /// Uploads a frame of this buffer's format and size; the upload is done before the commands that are submitted
    /// next.
    pub fn write(&self, gpu: &Gpu, frame: &Frame) {
        debug_assert_eq!((Some(frame.format()), frame.size()), (self.format, self.size));
        let Some(bytes) = NonZeroU64::new(self.buffer.size()) else { return };
        // None when the device is lost, which reading the picture back reports.
        let Some(mut view) = gpu.queue().write_buffer_with(&self.buffer, 0, bytes) else { return };
        for (index, plane) in layout(frame.format(), self.size).iter().enumerate() {
            let mut rows = view.slice(plane.offset..plane.offset + plane.bytes());
            if frame.planes()[index].stride == plane.stride {
                let data = frame.plane_data(index);
                rows.slice(..data.len()).copy_from_slice(data);
                rows.slice(data.len()..).fill(0);
            } else {
                for (y, row) in frame.rows(index).enumerate() {
                    let mut padded = rows.slice(y * plane.stride..(y + 1) * plane.stride);
                    padded.slice(..row.len()).copy_from_slice(row);
                    // So that the same frame gives the same bytes, in the padding of what is read back too.
                    padded.slice(row.len()..).fill(0);
                }
            }
        }
    }
}

/// A plane in a buffer.
pub(super) struct PaddedPlane {
    pub offset: usize,
    pub stride: usize,
    rows: usize,
}

impl PaddedPlane {
    fn bytes(&self) -> usize {
        self.stride * self.rows
    }
}

/// Where a picture's planes are in a buffer, one after another. Every row is padded to whole words: of RGBA to 64 pixels,
/// because pixels are read four at a time; of I420 to 32 samples of luma and 16 of chroma, because samples are read sixteen
/// at a time.
pub(super) fn layout(format: PixelFormat, size: Size) -> Vec<PaddedPlane> {
    let mut offset = 0;
    (0..format.planes())
        .map(|plane| {
            let (row, rows) = format.plane_size(plane, size);
            let samples = i420_stride(size.width) >> usize::from(plane > 0);
            let stride = match format {
                PixelFormat::Rgba8 => rgba_stride(size.width),
                PixelFormat::I420 => samples,
                PixelFormat::I420P10 => samples * 2,
                _ => row.next_multiple_of(if format.bits() > 8 { 8 } else { 4 }),
            };
            let plane = PaddedPlane { offset, stride, rows };
            offset += plane.bytes();
            plane
        })
        .collect()
}

/// The bytes of a picture in a buffer.
pub(super) fn packed_bytes(format: PixelFormat, size: Size) -> usize {
    layout(format, size).iter().map(PaddedPlane::bytes).sum()
}

/// The samples from one row of luma to the next in I420 in a buffer, as `i420_rows.wgsl` has them too; half as many are
/// from one row of chroma to the next.
pub(super) fn i420_stride(width: u32) -> usize {
    (width as usize).next_multiple_of(32)
}

/// The bytes from one row of RGBA to the next in a buffer, as `rgba_store.wgsl` has them too: WebGPU copies rows of whole
/// 256 bytes to textures.
pub(super) fn rgba_stride(width: u32) -> usize {
    (width as usize * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize)
}

/// Copies RGBA of this stride to a texture of four bytes a texel.
pub(super) fn copy_rgba(encoder: &mut wgpu::CommandEncoder, buffer: &wgpu::Buffer, texture: &wgpu::Texture) {
    let bytes_per_row = Some(rgba_stride(texture.width()) as u32);
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row, rows_per_image: None };
    let from = wgpu::TexelCopyBufferInfo { buffer, layout };
    encoder.copy_buffer_to_texture(from, texture.as_image_copy(), texture.size());
}
