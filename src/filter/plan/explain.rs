//! A plan in words, for `framereel filters --explain`.

use std::fmt;

use super::{Axis, Pass, PassInput, PassOutput, Plan, PlaneKind, Point, Reflection, SourcePixels, Stage};
use crate::frame::BitDepth;

/// One line for each pass: its input, its operations and its output.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passes = self.passes.len();
        writeln!(f, "{passes} pass{} a frame", if passes == 1 { "" } else { "es" })?;
        for (index, pass) in self.passes.iter().enumerate() {
            writeln!(f, "{:>3}  {pass}", index + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What works on colours converts planes first.
        let unpack =
            if self.planes.is_none() && !matches!(self.stage, Stage::PlaneReduce { .. }) { "unpack " } else { "" };
        let mut steps = vec![match self.input {
            PassInput::Source(SourcePixels::Bytes(format)) => format!("unpack {format:?}"),
            PassInput::Source(SourcePixels::Recorded) => format!("{unpack}I420"),
            PassInput::Planes(index) => format!("{unpack}planes {index}"),
            PassInput::Source(SourcePixels::Wide { format, transfer, tone_map }) => {
                format!("unpack {format:?} of {transfer:?} by {tone_map}")
            }
            PassInput::Source(SourcePixels::Texture) => "unpack a texture".to_owned(),
            PassInput::Source(SourcePixels::Light) => "unpack light".to_owned(),
            PassInput::Nothing => "nothing".to_owned(),
            PassInput::Texture(texture) => format!("texture {texture}"),
        }];
        match self.planes {
            Some(PlaneKind::Luma) => steps.push("luma".to_owned()),
            Some(PlaneKind::Chroma) => steps.push("chroma".to_owned()),
            None => {}
        }
        if self.stage != Stage::Copy {
            steps.push(self.stage.to_string());
        }
        steps.extend(self.points.iter().map(Point::to_string));
        steps.push(match self.output {
            PassOutput::Texture { index, .. } => format!("texture {index} of {}", self.to.texels()),
            PassOutput::Planes(index) if self.planes.is_some() => format!("planes {index} of {}", self.to.size),
            PassOutput::Planes(index) => format!("pack planes {index} of {}", self.to.size),
            PassOutput::I420 { .. } if self.planes.is_some() => format!("I420 of {}", self.to.size),
            PassOutput::I420 { depth: BitDepth::Eight } => format!("pack I420 of {}", self.to.size),
            PassOutput::I420 { depth } => format!("pack I420 of {} bits of {}", depth.bits(), self.to.size),
            PassOutput::Rgba8 => format!("pack RGBA of {}", self.to.size),
            PassOutput::Light { .. } => format!("add light of {}", self.to.size),
        });
        f.write_str(&steps.join(" | "))
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy => f.write_str("copy"),
            Self::Area(filter) => write!(f, "{filter}"),
            Self::Blur { kernel, .. } => write!(f, "blur down by {kernel} and transpose"),
            Self::PlaneBlur { axis, taps } => {
                let axis = if *axis == Axis::X { "across" } else { "down" };
                write!(f, "blur {axis} with {} weights", taps.weights.len())
            }
            Self::PlaneReflect { across, down } => {
                let parts = [(across, "across"), (down, "down")].into_iter().filter_map(|(part, axis)| match part {
                    Reflection::None => None,
                    Reflection::First => Some(format!("reflect the first half {axis}")),
                    Reflection::Second => Some(format!("reflect the second half {axis}")),
                    Reflection::All => Some(format!("reflect all {axis}")),
                });
                f.write_str(&parts.collect::<Vec<_>>().join(" | "))
            }
            Self::PlaneReduce { factor, .. } | Self::Reduce { factor, .. } => write!(f, "reduce {factor} times"),
            Self::Expand { factor, .. } => write!(f, "expand {factor} times"),
            Self::Place { axis, scaling } => {
                let [begin, end] = scaling.covered;
                write!(f, "place from {begin} to {end} {}", if *axis == Axis::X { "across" } else { "down" })
            }
            Self::Resample { axis, length, .. } => {
                write!(f, "scale to {length} pixels {}", if *axis == Axis::X { "across" } else { "down" })
            }
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matrix(_) => f.write_str("colour matrix"),
            Self::Function(filter) | Self::Combine(filter) => write!(f, "{filter}"),
            Self::Feed(filter) => write!(f, "what {} blurs", filter.info().name),
        }
    }
}
