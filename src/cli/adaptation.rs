//! What was done to a film so that it can be recorded, in a line each on standard error.

use framereel::color::{Primaries, ToneMap, Transfer};
use framereel::source::{Source, SourceSpec};

/// Says that film is deinterlaced, or brought to standard dynamic range, or kept as it is by this option, and which option
/// changes that.
pub fn tell(spec: &SourceSpec, source: &dyn Source, kept_by: &str) {
    let SourceSpec::File(path) = spec else { return };
    for line in lines(source, kept_by) {
        eprintln!("{}: {line}", path.display());
    }
}

fn lines(source: &dyn Source, kept_by: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if source.is_deinterlaced() {
        lines.push("interlaced, deinterlaced by ffmpeg's bwdif; --deinterlace off keeps its fields".to_owned());
    }
    let Some(color) = source.color() else { return lines };
    let light = match (color.transfer, color.primaries) {
        (Transfer::Pq, _) => format!("PQ up to {} cd/m²", color.peak),
        (Transfer::Hlg, _) => "HLG".to_owned(),
        (_, Primaries::Bt709) => return lines,
        (_, primaries) => {
            let name = if primaries == Primaries::Bt2020 { "BT.2020" } else { "Display P3" };
            if color.tone_map != ToneMap::None {
                lines.push(format!("its colours are those of {name}, brought to BT.709; --tone-map none keeps them"));
            }
            return lines;
        }
    };
    lines.push(match color.tone_map {
        ToneMap::None => format!("{light}, with its code values as they are, by {kept_by}"),
        choice => format!("{light}, brought to standard dynamic range by --tone-map {choice}"),
    });
    lines
}
