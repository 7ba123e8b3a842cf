//! Virtual microphones: a sink in which a sound is played, and a source that gives the sound of the sink.

use std::process::Stdio;
use std::time::Duration;

use super::{Player, Process, Session};

/// How long the click of [`Sound::Clicks`] lasts.
pub const CLICK: Duration = Duration::from_millis(20);

/// The sound that the microphone captures.
#[derive(Debug, Clone, Copy)]
pub enum Sound {
    /// A sine of this frequency in Hz at an eighth of full scale.
    Tone(u32),
    /// Silence, and 1 kHz for [`CLICK`] at 1 s, 3 s, 5 s, … after its start.
    Clicks,
}

#[derive(Debug, Clone)]
pub struct MicSpec {
    /// The name of the source. Letters, digits and hyphens.
    pub name: String,
    /// In Hz.
    pub rate: u32,
    pub channels: u32,
    pub sound: Sound,
}

/// The default source, until it is killed or dropped.
pub struct Microphone<'a> {
    _player: Player,
    _room: Room<'a>,
}

/// A sink, and the source that gives its sound.
pub(super) struct Room<'a> {
    session: &'a Session,
    modules: Vec<String>,
    /// Keeps the sink running, because starting it would add to the delay of the sound.
    _listener: Process,
}

impl Session {
    /// Plugs in a microphone, which becomes the default source and captures its sound on all channels.
    pub fn microphone(&self, spec: &MicSpec) -> Microphone<'_> {
        let room = Room::new(self, spec);
        let pipeline = format!("! {}", spec.pipeline());
        let mut player = self.play(&spec.name, &[spec.ffmpeg_input(), spec.ffmpeg_codec()].concat(), &pipeline);
        let heard = format!("application.name = \"{}\"", spec.name);
        self.until("the sound", &mut player.sender, || self.pactl("list sink-inputs").contains(&heard));
        Microphone { _player: player, _room: room }
    }
}

impl Microphone<'_> {
    /// Unplugs it.
    pub fn kill(self) {}
}

impl<'a> Room<'a> {
    pub(super) fn new(session: &'a Session, spec: &MicSpec) -> Self {
        let MicSpec { name, rate, channels, .. } = spec;
        // The server has no default channel positions for more than two channels.
        let map = match channels {
            8 => " channel_map=front-left,front-right,front-center,lfe,rear-left,rear-right,side-left,side-right",
            _ => "",
        };
        let sink = format!("sink_name={name}-room rate={rate} channels={channels}{map}");
        let source = format!("master={name}-room.monitor source_name={name} channels={channels}{map}");
        let modules = vec![
            session.pactl(&format!("load-module module-null-sink {sink}")),
            session.pactl(&format!(
                "load-module module-remap-source {source} source_properties=device.description={name}"
            )),
        ];
        session.pactl(&format!("set-default-source {name}"));
        let mut parec = session.tool("parec");
        parec.args(["--raw", "--device", name]).stdout(Stdio::null());
        let mut listener = session.spawn(parec, &format!("{name}-listener"));
        session.until("the microphone", &mut listener, || session.pactl("list short sources").contains("RUNNING"));
        Self { session, modules, _listener: listener }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        for module in self.modules.drain(..).rev() {
            // Errors are ignored: a drop must not panic.
            drop(self.session.tool("pactl").args(["unload-module", &module]).output());
        }
    }
}

impl MicSpec {
    pub(super) fn ffmpeg_input(&self) -> Vec<String> {
        let rate = self.rate;
        let source = match self.sound {
            Sound::Tone(hertz) => format!("sine=frequency={hertz}:sample_rate={rate}"),
            Sound::Clicks => {
                format!("aevalsrc='0.8*sin(2000*PI*t)*lt(mod(t+1,2),{})':s={rate}", CLICK.as_secs_f64())
            }
        };
        ["-f", "lavfi", "-i", &source].map(str::to_owned).to_vec()
    }

    pub(super) fn ffmpeg_codec(&self) -> Vec<String> {
        ["-c:a", "pcm_s16le", "-ac", &self.channels.to_string()].map(str::to_owned).to_vec()
    }

    /// The pipeline from the demuxer to the sink, by the system's clock: the sink's own clock jumps by 20 ms.
    pub(super) fn pipeline(&self) -> String {
        let name = &self.name;
        let buffer = "provide-clock=false slave-method=none buffer-time=60000 latency-time=10000";
        format!("audioconvert ! pulsesink device={name}-room client-name={name} {buffer}")
    }
}

impl Default for MicSpec {
    fn default() -> Self {
        Self { name: "mic".to_owned(), rate: 48_000, channels: 2, sound: Sound::Tone(1000) }
    }
}
