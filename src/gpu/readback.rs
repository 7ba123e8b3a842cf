//! Reads frames back from the GPU with a ring of staging buffers, so that the next frame is rendered while the last one
//! is being copied. Frames are returned in the order of their submission.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::Gpu;
use super::pass::ALARM_BYTES;
use super::upload::{layout, packed_bytes};
use crate::color::ColorSpace;
use crate::error::{Error, Result};
use crate::frame::{Frame, PixelFormat, Plane, Size};
use crate::time::Timestamp;

/// How many frames may be in flight at once.
const RING: usize = 3;
/// A driver that takes longer than this for a frame is taken to hang. (Users' endless loops are detected before.)
const TIMEOUT: Duration = Duration::from_secs(60);

/// A picture as it is packed into a buffer and read back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PackedPicture {
    /// In pixels.
    pub size: Size,
    /// The layout of its bytes.
    pub format: PixelFormat,
    /// How its values map to colours.
    pub color: ColorSpace,
}

/// A ring of staging buffers for frames of one size, format and colour space.
pub struct Readback {
    gpu: Gpu,
    packed: PackedPicture,
    idle: Vec<wgpu::Buffer>,
    pending: VecDeque<PendingReadback>,
}

debug_fields!(Readback { packed });

/// A frame that is being read back.
struct PendingReadback {
    buffer: wgpu::Buffer,
    submission: wgpu::SubmissionIndex,
    mapped: Receiver<Result<(), wgpu::BufferAsyncError>>,
    timestamp: Timestamp,
}

impl Readback {
    /// A ring for such frames.
    pub fn new(gpu: &Gpu, packed: PackedPicture) -> Self {
        // The alarm is copied behind the picture.
        let bytes = packed_bytes(packed.format, packed.size) as u64 + ALARM_BYTES;
        let idle = (0..RING)
            .map(|_| {
                gpu.device().create_buffer(&wgpu::BufferDescriptor {
                    label: Some("staging"),
                    size: bytes,
                    usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                    mapped_at_creation: false,
                })
            })
            .collect();
        Self { gpu: gpu.clone(), packed, idle, pending: VecDeque::with_capacity(RING) }
    }

    /// Whether a frame must be received before the next one can be submitted.
    pub fn is_full(&self) -> bool {
        self.idle.is_empty()
    }

    /// Whether no frame is in flight.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Submits the commands of `encoder`, and a copy of the picture that they render in `output` and of its alarm.
    ///
    /// # Errors
    /// `InvalidStateError` when the ring is full.
    pub fn submit(
        &mut self,
        mut encoder: wgpu::CommandEncoder,
        output: &wgpu::Buffer,
        alarm: &wgpu::Buffer,
        timestamp: Timestamp,
    ) -> Result<()> {
        let Some(buffer) = self.idle.pop() else {
            return Err(Error::new(crate::ErrorKind::InvalidState, "expected a free staging buffer but found none"));
        };
        let picture = buffer.size() - ALARM_BYTES;
        encoder.copy_buffer_to_buffer(output, 0, &buffer, 0, picture);
        encoder.copy_buffer_to_buffer(alarm, 0, &buffer, picture, ALARM_BYTES);
        let (sender, mapped) = channel();
        encoder.map_buffer_on_submit(&buffer, wgpu::MapMode::Read, .., move |result| {
            // Sending fails only after the ring was dropped; then the frame is not needed.
            let _ = sender.send(result);
        });
        let submission = self.gpu.queue().submit([encoder.finish()]);
        self.pending.push_back(PendingReadback { buffer, submission, mapped, timestamp });
        Ok(())
    }

    /// Waits for the frame that was submitted first; none when none is in flight.
    ///
    /// # Errors
    /// `UnknownError` when the device is lost or hangs.
    pub fn take(&mut self) -> Result<Option<Frame>> {
        let Some(PendingReadback { buffer, submission, mapped, timestamp }) = self.pending.pop_front() else {
            return Ok(None);
        };
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(TIMEOUT) };
        let failed = |what: String| Error::unknown(format!("no picture came back from the GPU: {what}"));
        let waited = self.gpu.device().poll(wait);
        waited.map_err(|error| failed(error.to_string()))?;
        match mapped.recv_timeout(TIMEOUT) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(error) => return Err(failed(error.to_string())),
        }
        let mapped = buffer.get_mapped_range(..).map_err(|error| failed(error.to_string()))?;
        let (picture, alarm) = mapped.split_at(mapped.len() - ALARM_BYTES as usize);
        let goes_on = alarm.iter().any(|&byte| byte != 0);
        let PackedPicture { size, format, color } = self.packed;
        let planes: Vec<_> =
            layout(format, size).iter().map(|plane| Plane { offset: plane.offset, stride: plane.stride }).collect();
        let frame = match format {
            // Without the padding, as programs expect of RGBA.
            PixelFormat::Rgba8 => {
                let rows = picture.chunks_exact(planes[0].stride).map(|row| &row[..size.width as usize * 4]);
                let mut data = Vec::with_capacity(size.pixels() as usize * 4);
                rows.for_each(|row| data.extend_from_slice(row));
                Frame::packed(format, size, color, data)
            }
            _ => Frame::strided(format, size, color, &planes, picture.to_vec()),
        };
        drop(mapped);
        buffer.unmap();
        self.idle.push(buffer);
        if goes_on {
            return Err(Error::new(
                crate::ErrorKind::Unknown,
                format!(
                    "expected the loops of your shader to end but found one that goes on for ever, at {}s; all loops \
                     together may turn some 7,500 times a pixel",
                    timestamp.as_secs_f64()
                ),
            ));
        }
        Ok(Some(frame.with_timestamp(timestamp)))
    }
}
