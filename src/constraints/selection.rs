//! Selects settings (§11, "SelectSettings"), or names the constraint that no device meets.

use std::cmp::Ordering;

use super::constraint::{NumberRule, Reading};
use super::device::{
    DEFAULT_CHANNELS, DEFAULT_LATENCY, DEFAULT_RATE, DEFAULT_SAMPLE_RATE, DEFAULT_SAMPLE_SIZE, DEFAULT_SIZE,
};
use super::distance::distance;
use super::property::{Actual, Property, Rule};
use super::{Constraint, InputDevice, Settings, TrackConstraints};
use crate::error::{Error, ErrorKind, Result};
use crate::stream::TrackKind;

/// The device and the settings that were chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The index of the device in the list that was given.
    pub device: usize,
    /// The index of the mode in the device's list.
    pub mode: usize,
    /// The settings for the device.
    pub settings: Settings,
}

/// Settings that a device could have, and their distance from the constraints.
struct Candidate {
    selection: Selection,
    distance: f64,
}

/// Selects the device and its settings for a track of this kind: those with the least
/// [`fitness_distance`](super::fitness_distance). Devices of the other kind are ignored. For a track that exists
/// already (`applyConstraints()`), give its device alone.
///
/// # Errors
/// `NotFoundError` where there is no device of this kind, `OverconstrainedError` where none meets the required
/// constraints, `TypeError` for numbers that are not finite, and `NotReadableError` where the devices have no modes at
/// all.
pub fn select(kind: TrackKind, devices: &[InputDevice], constraints: &TrackConstraints) -> Result<Selection> {
    constraints.check()?;
    let found = || devices.iter().enumerate().filter(|(_, device)| device.kind() == kind);
    if found().next().is_none() {
        return Err(Error::not_found(format!("expected a {} but found none; plug one in", device_word(kind))));
    }
    let all: Vec<Candidate> = found()
        .flat_map(|(place, device)| {
            let candidates = device.candidates(constraints).into_iter();
            candidates.map(move |(mode, settings)| Selection { device: place, mode, settings })
        })
        .map(|selection| {
            let distance = distance(kind, &selection.settings, constraints, Reading::Basic);
            Candidate { selection, distance }
        })
        .collect();
    if all.is_empty() {
        let expected = format!("expected a {} with a mode to be read in", device_word(kind));
        return Err(Error::not_readable(format!("{expected} but found none; another program may hold it")));
    }
    let fitting = |candidate: &&Candidate| candidate.distance.is_finite();
    if !all.iter().any(|candidate| fitting(&candidate)) {
        let settings: Vec<&Settings> = all.iter().map(|candidate| &candidate.selection.settings).collect();
        return Err(overconstrained(kind, &settings, constraints));
    }
    let candidates = constraints.advanced.iter().fold(all.iter().filter(fitting).collect(), |candidates, set| {
        narrowed(candidates, |candidate| {
            distance(kind, &candidate.selection.settings, set, Reading::Advanced).is_finite()
        })
    });
    let nearest = candidates.into_iter().min_by(|a, b| a.compare(b, kind)).expect("at least one candidate");
    Ok(nearest.selection.clone())
}

/// The candidates that meet an advanced set; all of them where none does.
fn narrowed(candidates: Vec<&Candidate>, meets: impl Fn(&Candidate) -> bool) -> Vec<&Candidate> {
    let met: Vec<_> = candidates.iter().copied().filter(|candidate| meets(candidate)).collect();
    if met.is_empty() { candidates } else { met }
}

impl Candidate {
    /// Orders the better candidate first. Of equal ones, `min_by` takes the first.
    fn compare(&self, other: &Self, kind: TrackKind) -> Ordering {
        let from_default =
            |candidate: &Self| distance(kind, &candidate.selection.settings, &what_comes_unasked(), Reading::Basic);
        let compression = |candidate: &Self| compression(&candidate.selection.settings.format);
        (self.distance.total_cmp(&other.distance))
            .then_with(|| self.selection.device.cmp(&other.selection.device))
            .then_with(|| from_default(self).total_cmp(&from_default(other)))
            .then_with(|| compression(self).cmp(&compression(other)))
    }
}

/// The settings to prefer where nothing is requested.
fn what_comes_unasked() -> TrackConstraints {
    TrackConstraints {
        width: DEFAULT_SIZE.width.into(),
        height: DEFAULT_SIZE.height.into(),
        frame_rate: DEFAULT_RATE.into(),
        sample_rate: DEFAULT_SAMPLE_RATE.into(),
        channel_count: DEFAULT_CHANNELS.into(),
        sample_size: DEFAULT_SAMPLE_SIZE.into(),
        latency: DEFAULT_LATENCY.into(),
        gain: Constraint::ideal(0.0),
        ..TrackConstraints::default()
    }
}

/// Cost of decoding a format, in work and loss: 0 for raw formats.
fn compression(format: &str) -> u8 {
    match format {
        "MJPG" | "JPEG" => 1,
        "H264" | "HEVC" | "MPG4" | "VP80" | "VP90" | "AV01" => 2,
        _ => 0,
    }
}

/// The error when no settings are good enough: names the first constraint that none of them meets; else the first that
/// none of them meets together with those before it.
fn overconstrained(kind: TrackKind, all: &[&Settings], constraints: &TrackConstraints) -> Error {
    let required: Vec<(Property, Rule)> = (Property::ALL.into_iter())
        .filter(|property| property.applies_to(kind))
        .map(|property| (property, property.rule(constraints, Reading::Basic)))
        .filter(|(_, rule)| rule.is_required())
        .collect();
    let met = |settings: &[&'_ Settings], property: Property, rule: &Rule| {
        settings.iter().any(|settings| rule.is_met(property.actual(settings)))
    };
    if let Some((property, rule)) = required.iter().find(|(property, rule)| !met(all, *property, rule)) {
        return unmet(*property, rule, all, "");
    }
    let mut left = all.to_vec();
    for (property, rule) in &required {
        if !met(&left, *property, rule) {
            return unmet(*property, rule, &left, " where the other constraints are met");
        }
        left.retain(|settings| rule.is_met(property.actual(settings)));
    }
    Error::unknown("expected a constraint that no device meets but found none")
}

fn unmet(property: Property, rule: &Rule, settings: &[&Settings], place: &str) -> Error {
    let words = property.words(' ');
    let article = if words.starts_with('a') { "an" } else { "a" };
    let found = found(property, rule, settings);
    let remedy = "ask for an ideal value, and the nearest is taken";
    let kind = ErrorKind::Overconstrained { constraint: property.name().to_owned() };
    Error::new(kind, format!("expected {article} {words} {} but found {found}{place}; {remedy}", asked(rule)))
}

/// What a rule requires, in words.
fn asked(rule: &Rule) -> String {
    match rule {
        Rule::Number(rule) => match (rule.exact.map(rounded), rule.min.map(rounded), rule.max.map(rounded)) {
            (Some(exact), _, _) => format!("of exactly {exact}"),
            (None, Some(min), Some(max)) => format!("from {min} to {max}"),
            (None, Some(min), None) => format!("of at least {min}"),
            (None, None, max) => format!("of at most {}", max.unwrap_or_default()),
        },
        Rule::Strings(rule) => quoted(&rule.exact, " or "),
    }
}

/// The values that were found instead: their range, or the nearest on both sides.
fn found(property: Property, rule: &Rule, settings: &[&Settings]) -> String {
    let (mut numbers, mut strings) = (Vec::new(), Vec::new());
    for actual in settings.iter().filter_map(|settings| property.actual(settings)) {
        match actual {
            Actual::Number(number) => numbers.push(number),
            Actual::String(string) if !strings.contains(&string) => strings.push(string),
            Actual::String(_) => {}
        }
    }
    numbers.sort_unstable_by(f64::total_cmp);
    match (rule, &numbers[..]) {
        (Rule::Number(rule), [least, .., greatest]) if least != greatest => match neighbours(rule, &numbers) {
            Some((below, above)) => format!("{} and {} next to it", rounded(below), rounded(above)),
            None => format!("{} to {}", rounded(*least), rounded(*greatest)),
        },
        (Rule::Number(_), [only, ..]) => rounded(*only),
        _ if strings.iter().all(|string| string.is_empty()) => "none".to_owned(),
        _ => quoted(&strings, ", "),
    }
}

/// The nearest numbers below and above the required ones, where there are both.
fn neighbours(rule: &NumberRule, sorted: &[f64]) -> Option<(f64, f64)> {
    let from = rule.exact.or(rule.min)?;
    let to = rule.exact.or(rule.max)?;
    let below = sorted.iter().rev().find(|&&number| number < from)?;
    let above = sorted.iter().find(|&&number| number > to)?;
    Some((*below, *above))
}

fn quoted(strings: &[&str], separator: &str) -> String {
    strings.iter().map(|string| format!("`{string}`")).collect::<Vec<_>>().join(separator)
}

/// A number with four decimals at most.
fn rounded(number: f64) -> String {
    ((number * 1e4).round() / 1e4).to_string()
}

fn device_word(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => "camera",
        TrackKind::Audio => "microphone",
    }
}
