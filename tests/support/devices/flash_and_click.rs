//! A camera that flashes while the microphone clicks, to measure how well a recorder keeps video and sound in sync.

use super::camera::{CameraSpec, Picture};
use super::microphone::{MicSpec, Room, Sound};
use super::{Player, Session};

/// The measured delay in ns of a sound, relative to a frame of the same time, until it reaches a program.
const SOUND_DELAY: u32 = 11_000_000;

/// A camera and a microphone, plugged in until they are killed or dropped.
pub struct FlashAndClick<'a> {
    _player: Player,
    _room: Room<'a>,
}

impl Session {
    /// Plugs in both. One pipeline with one clock feeds them; a flash and a click begin at the same instant every 2 s.
    /// The picture and the sound in the two specifications are ignored.
    pub fn flash_and_click(&self, camera: &CameraSpec, mic: &MicSpec) -> FlashAndClick<'_> {
        let camera = CameraSpec { picture: Picture::Flash, ..camera.clone() };
        let mic = MicSpec { sound: Sound::Clicks, ..mic.clone() };
        self.set_quantum(256);
        let room = Room::new(self, &mic);
        let args = [camera.ffmpeg_input(), mic.ffmpeg_input(), camera.ffmpeg_codec(), mic.ffmpeg_codec()].concat();
        let (pictures, sound) = (camera.pipeline(), mic.pipeline());
        let pipeline =
            format!("demux.video_0 ! queue ! {pictures} ts-offset={SOUND_DELAY} demux.audio_0 ! queue ! {sound}");
        let mut player = self.play(&camera.name, &args, &pipeline);
        let heard = format!("application.name = \"{}\"", mic.name);
        self.until("flashes and clicks", &mut player.sender, || {
            self.node(&camera.name).is_some() && self.pactl("list sink-inputs").contains(&heard)
        });
        FlashAndClick { _player: player, _room: room }
    }
}

impl FlashAndClick<'_> {
    /// Unplugs both.
    pub fn kill(self) {}
}
