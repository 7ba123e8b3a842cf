//! The filter chains, and ffmpeg's counterparts.
//!
//! ffmpeg filters red, green and blue, as framereel does, with 8 bits between its filters. It takes the film as BT.709 in
//! limited range where the film does not say, and ends with what both record: 4:2:0, BT.709, limited range. `eq` and `hue`
//! know luma and chroma only, so they come after that. Pictures alike are not the aim, but the same work: `vignette` has
//! another course, and `eq` adds its brightness.

#[derive(Debug)]
pub struct Chain {
    pub chain: &'static str,
    /// The filters on red, green and blue, and those on luma and chroma.
    rgb: &'static str,
    yuv: &'static str,
    /// Whether it is measured with every encoder, not only with the one that takes the least time.
    pub every_encoder: bool,
}

/// The matrices of CSS's `sepia(1)` and `sepia(60%)`.
macro_rules! sepia {
    () => {
        "colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131"
    };
    (60) => {
        "colorchannelmixer=.6358:.4614:.1134:0:.2094:.8116:.1008:0:.1632:.3204:.4786"
    };
}

pub const NONE: Chain = Chain { chain: "none", rgb: "", yuv: "", every_encoder: true };

pub const CHAINS: [Chain; 6] = [
    NONE,
    Chain { chain: "sepia(1)", rgb: sepia!(), yuv: "", every_encoder: false },
    Chain { chain: "sepia(1) vignette(0.4)", rgb: concat!(sepia!(), ",vignette"), yuv: "", every_encoder: true },
    Chain {
        chain: "sepia(1) blur(2px) vignette(0.4)",
        rgb: concat!(sepia!(), ",gblur=sigma=2:steps=3,vignette"),
        yuv: "",
        every_encoder: true,
    },
    Chain {
        chain: "sepia(1) blur(16px) vignette(0.4)",
        rgb: concat!(sepia!(), ",gblur=sigma=16:steps=3,vignette"),
        yuv: "",
        every_encoder: true,
    },
    Chain {
        chain: "sepia(60%) contrast(115%) saturate(130%) brightness(105%) hue-rotate(10deg)",
        rgb: sepia!(60),
        yuv: ",eq=contrast=1.15:saturation=1.3:brightness=0.02,hue=h=10",
        every_encoder: false,
    },
];

impl Chain {
    pub fn is_none(&self) -> bool {
        self.rgb.is_empty()
    }

    /// ffmpeg's filters; none for the chain that changes nothing. `tagged` films say their matrix themselves.
    pub fn ffmpeg(&self, tagged: bool) -> Option<String> {
        let tags = if tagged { "" } else { "setparams=colorspace=bt709:range=tv," };
        let end = ",scale=out_color_matrix=bt709:out_range=tv,format=yuv420p";
        (!self.is_none()).then(|| format!("{tags}{}{end}{}", self.rgb, self.yuv))
    }
}
