//! Which filters work on planes of 4:2:0 in place of colours: blurs, reflections, and what multiplies colours by a factor.

use super::{DIRECT_BLUR, MANY, Planner};
use crate::color::Siting;
use crate::filter::plan::{Axis, BlurKernel, Extent, Pass, PassInput, PassOutput, PlaneKind, Precision, Stage, Taps};
use crate::filter::{Edge, Filter};

impl Planner {
    /// Blurs luma and chroma each for itself: luma takes a quarter of the work of colours, chroma an eighth. False where that
    /// cannot be, or might be seen: for a picture that is not opaque, with a margin or of more than 8 bits; where later
    /// filters need the transparency at the borders, or might make roundings visible; and for a blur of colours so narrow
    /// that it would not hide that their chroma is subsampled.
    pub(super) fn blur_planes(&mut self, kernel: BlurKernel, sigma: f32) -> bool {
        let is_possible = sigma <= DIRECT_BLUR
            && self.can_end_in_planes()
            && self.planes_follow
            && self.spread == 0
            && (self.open.scales_planes() || kernel.variance() >= MANY);
        if !is_possible {
            return false;
        }
        self.scale_planes();
        let of_chroma = if self.open.is_planes() { Taps::of_chroma } else { Taps::of_chroma_means };
        let stages = [Axis::Y, Axis::X]
            .map(|axis| [Taps::new(kernel, 0.0), of_chroma(kernel, axis)].map(|taps| Stage::PlaneBlur { axis, taps }));
        self.end_in_planes();
        stages.into_iter().for_each(|stages| self.emit_planes(stages));
        true
    }

    /// Flips or mirrors luma and chroma each for itself, if the filter does that and the picture is planes. A chroma sample's
    /// place becomes that of another one, or the middle between two. Samples are moved, only the latter are rounded, so any
    /// filter may follow, unless they are multiplied before.
    pub(super) fn reflect_planes(&mut self, filter: &Filter) -> bool {
        let Some([across, down]) = filter.reflections() else { return false };
        let is_possible = self.open.is_planes() || self.planes_follow && self.open.scales_planes();
        if !self.ends_in_planes || !is_possible {
            return false;
        }
        self.scale_planes();
        let stage = Stage::PlaneReflect { across, down };
        self.emit_planes([stage.clone(), stage]);
        true
    }

    /// Ends the plan.
    pub(super) fn end(&mut self, output: PassOutput) {
        if self.ends_in_planes {
            self.scale_planes();
        }
        let (PassInput::Planes(_), true) = (self.open.input, self.open.is_planes()) else {
            return self.emit(output);
        };
        // The open pass only reads planes: the passes that made them make the result.
        self.made_planes().for_each(|pass| pass.output = output);
    }

    /// If the open pass's points only multiply planes by factors, the passes that made the planes do it. The source's planes
    /// need passes for that.
    fn scale_planes(&mut self) {
        if !self.open.scales_planes() || self.open.points.is_empty() {
            return;
        }
        let points = std::mem::take(&mut self.open.points);
        if matches!(self.open.input, PassInput::Source(_)) {
            self.emit_planes([Stage::Copy, Stage::Copy]);
        }
        self.made_planes().for_each(|pass| pass.points.extend_from_slice(&points));
    }

    /// The passes that made the planes that the open pass reads, of luma and of chroma; those before them made other planes,
    /// which they read.
    fn made_planes(&mut self) -> impl Iterator<Item = &mut Pass> {
        let input = self.open.input;
        let made = move |pass: &&mut Pass| match (pass.output, input) {
            (PassOutput::Planes(output), PassInput::Planes(input)) => output == input,
            _ => false,
        };
        self.passes.iter_mut().rev().take_while(made)
    }

    /// Adds passes on luma and on chroma, which read the open pass's planes; the open pass continues with theirs.
    fn emit_planes(&mut self, stages: [Stage; 2]) {
        let (input, output, extent) = (self.open.input, self.free_planes(), self.open.to);
        for (planes, stage) in PlaneKind::ALL.into_iter().zip(stages) {
            self.passes.push(Pass {
                input,
                from: extent,
                planes: Some(planes),
                stage,
                points: Vec::new(),
                opaque: true,
                edge: self.edge,
                original: None,
                previous: None,
                output: PassOutput::Planes(output),
                to: extent,
            });
        }
        // What is transparent lies over black.
        (self.open.input, self.open.from, self.open.opaque) = (PassInput::Planes(output), extent, true);
    }

    /// Continues with a reduction of planes, which are read more cheaply than colours.
    pub(super) fn reduce_planes(&mut self, factor: u32, to: Extent) {
        if self.planes_follow {
            self.scale_planes();
        }
        let siting = if self.open.is_planes() { Siting::Left } else { Siting::Center };
        self.end_in_planes();
        self.open.from = self.open.to;
        self.open.stage = Stage::PlaneReduce { factor, siting };
        (self.open.to, self.open.opaque) = (to, self.edge == Edge::Clamp);
    }

    /// Whether the open pass's picture is planes of 8 bits without a margin, or can be stored as such.
    pub(super) fn can_end_in_planes(&self) -> bool {
        let has_8_bits = self.ends_in_planes && self.averaged == Precision::Byte;
        has_8_bits && self.open.reads_sixteen() && self.open.opaque_after() && self.open.to.margin == 0
    }

    /// Ends the open pass with its picture in planes, unless it is.
    fn end_in_planes(&mut self) {
        if !self.open.is_planes() {
            let output = self.free_planes();
            self.emit(PassOutput::Planes(output));
            self.open.input = PassInput::Planes(output);
        }
    }

    /// Planes that the open pass does not read.
    fn free_planes(&self) -> usize {
        usize::from(self.open.input == PassInput::Planes(0))
    }
}
