//! A program's own device and texture: the drawing in the texture is captured.

use framereel::canvas::Capture;
use framereel::filter::FilterChain;
use framereel::frame::{Frame, PixelFormat, Size};
use framereel::gpu::Gpu;
use framereel::time::Timestamp;

const SIZE: Size = Size::new(30, 22);

/// A device as other programs have it, with no more than WebGPU's default limits.
fn own_device() -> (Gpu, wgpu::Device, wgpu::Queue) {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))
        .expect("an adapter: `make test` installs one");
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
    (Gpu::from_device(device.clone(), queue.clone(), adapter.get_info()), device, queue)
}

fn texture(device: &wgpu::Device, format: wgpu::TextureFormat) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: SIZE.width, height: SIZE.height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::COPY_DST | wgpu::TextureUsages::TEXTURE_BINDING,
        view_formats: &[],
    })
}

/// A colour of its own for every pixel.
fn drawing(frame: u8) -> Vec<u8> {
    let color = |x: u32, y: u32| [(x * 8) as u8, (y * 11) as u8, frame.wrapping_mul(40), 255];
    (0..SIZE.height).flat_map(|y| (0..SIZE.width).flat_map(move |x| color(x, y))).collect()
}

fn draw(queue: &wgpu::Queue, texture: &wgpu::Texture, pixels: &[u8]) {
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(SIZE.width * 4), rows_per_image: None };
    queue.write_texture(texture.as_image_copy(), pixels, layout, texture.size());
}

fn captured(gpu: &Gpu, chain: &str, textures: &[&wgpu::Texture], before: impl Fn(usize)) -> Vec<Frame> {
    let chain: FilterChain = chain.parse().unwrap();
    let mut capture = Capture::new(gpu, &chain, SIZE, PixelFormat::Rgba8);
    let mut frames = Vec::new();
    for (index, texture) in textures.iter().enumerate() {
        before(index);
        if capture.is_full() {
            frames.extend(capture.take().unwrap());
        }
        capture.submit_texture(texture, Timestamp::from_nanos(index as i64)).unwrap();
    }
    frames.extend(std::iter::from_fn(|| capture.take().unwrap()));
    frames
}

#[test]
fn every_capture_shows_the_texture_as_it_was_when_it_was_asked_for() {
    let (gpu, device, queue) = own_device();
    // Two textures in turn, as a program with two buffers has them, each drawn anew every time.
    let [a, b] = [(); 2].map(|()| texture(&device, wgpu::TextureFormat::Rgba8Unorm));
    let frames = captured(&gpu, "none", &[&a, &b, &a, &a, &b, &b], |index| {
        draw(&queue, if [0, 2, 3].contains(&index) { &a } else { &b }, &drawing(index as u8));
    });
    assert_eq!(frames.len(), 6);
    for (index, frame) in frames.iter().enumerate() {
        assert_eq!(frame.timestamp, Timestamp::from_nanos(index as i64));
        assert!(frame.data() == drawing(index as u8), "frame {index} differs");
    }
}

#[test]
fn a_texture_is_taken_for_what_it_shows_whatever_its_format() {
    let (gpu, device, queue) = own_device();
    let shown = drawing(3);
    let swapped: Vec<u8> = shown.chunks(4).flat_map(|p| [p[2], p[1], p[0], p[3]]).collect();
    for (format, bytes) in [
        (wgpu::TextureFormat::Rgba8UnormSrgb, &shown),
        (wgpu::TextureFormat::Bgra8Unorm, &swapped),
        (wgpu::TextureFormat::Bgra8UnormSrgb, &swapped),
    ] {
        let texture = texture(&device, format);
        draw(&queue, &texture, bytes);
        let frames = captured(&gpu, "invert(1) invert(1)", &[&texture], |_| {});
        let worst = frames[0].data().iter().zip(&shown).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(1), "{format:?}: {worst:?} off");
    }
}

#[test]
fn a_texture_that_cannot_be_read_is_an_error() {
    let (gpu, device, _) = own_device();
    let unreadable = device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: 16, height: 16, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
        view_formats: &[],
    });
    let mut capture = Capture::new(&gpu, &FilterChain::default(), SIZE, PixelFormat::Rgba8);
    let message = capture.submit_texture(&unreadable, Timestamp::ZERO).unwrap_err().to_string();
    assert!(message.contains("the GPU refused"), "{message}");
}
