//! Opens a source for the window, as the arguments say.

use std::sync::Arc;

use framereel::source::player::{Player, PlayerOptions, PlayerSound};
use framereel::{Gpu, Result, SourceSpec, Span};

use super::chain::ChainEditor;
use crate::cli::args::PreviewArgs;
use crate::cli::values::AudioChoice;

/// What a session begins with.
pub struct Opening {
    pub gpu: Gpu,
    pub player: Arc<Player>,
    pub editor: ChainEditor,
}

impl Opening {
    /// Opens the source of these arguments.
    ///
    /// # Errors
    /// Those of the source, the sound, and the chain.
    pub fn of(args: &PreviewArgs) -> Result<Self> {
        let editor = ChainEditor::new(args.input.chain()?);
        let gpu = Gpu::new()?;
        let player = Arc::new(open(&gpu, args, &args.input.source, args.start)?);
        player.set_filter(editor.chain());
        Ok(Self { gpu, player, editor })
    }
}

/// Opens a source as these arguments say.
pub fn open(gpu: &Gpu, args: &PreviewArgs, source: &SourceSpec, start: Option<Span>) -> Result<Player> {
    let mut options = args.input.source_options();
    if *source == args.input.source {
        options = options.with_params(args.input.source_params());
    }
    (options.start, options.size, options.rate) = (start, args.input.size, args.fps);
    let sound = match &args.audio {
        None => PlayerSound::Own,
        Some(AudioChoice::None) => PlayerSound::None,
        Some(AudioChoice::Other(spec)) => PlayerSound::Other(spec.clone()),
    };
    Player::open_with(gpu, source, PlayerOptions::default().with_source(options).with_sound(sound))
}
