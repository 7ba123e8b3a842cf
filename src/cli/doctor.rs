//! `framereel doctor`: checks what recording needs, and says how to install what is missing.

use std::thread;

use framereel::encode::MachineEncoder;
use framereel::gpu::Gpu;
use framereel::{Error, ErrorKind, Result, encode, source};

use super::codecs::{TRIAL, VIDEO, is_ffmpegs};
use super::list::table;
use super::print;

/// Prints a line for each requirement; an error when nothing can be recorded.
pub fn run() -> Result<()> {
    let gpu = Gpu::new();
    let mut rows = match &gpu {
        Ok(gpu) => adapter(gpu),
        Err(error) => vec![missing("adapter", error.to_string())],
    };
    rows.extend(encode::list().into_iter().map(|encoder| {
        let codecs: Vec<_> = encoder.codecs.iter().map(|codec| codec.name()).collect();
        match encoder.version {
            Ok(version) => ok("encoder", format!("{} {version}: {}", encoder.name, codecs.join(", "))),
            Err(remedy) => missing("encoder", format!("{} for {}: {remedy}", encoder.name, codecs.join(", "))),
        }
    }));
    rows.extend(ffmpegs());
    rows.push(ok("encoder", format!("{}: opus", encode::opus::version())));
    rows.extend(source::decoders().into_iter().map(|decoder| match decoder.found {
        Some(found) => ok("decoder", format!("{} ({found}): {}", decoder.name, decoder.reads)),
        None => missing("decoder", format!("{} for {}: {}", decoder.name, decoder.reads, decoder.remedy)),
    }));
    print(table(&rows))?;
    match gpu {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(Error::new(ErrorKind::NotFound, "nothing can be recorded without a GPU adapter, software or hardware"))
        }
    }
}

/// ffmpeg's encoders of video: those of hardware that is here, as their trials say, all at the same time, and the others.
fn ffmpegs() -> Vec<Row> {
    let found = VIDEO.map(|codec| (codec, encode::machine_encoders(codec)));
    let found = found.iter().flat_map(|(codec, encoders)| encoders.iter().map(move |encoder| (*codec, encoder)));
    let (hardware, rest): (Vec<_>, Vec<_>) = found.partition(|(_, encoder)| encoder.is_hardware);
    let tried: Vec<_> = thread::scope(|scope| {
        let trial = |codec, choice| move || encode::trial(choice, codec, TRIAL.0, TRIAL.1);
        let running: Vec<_> =
            hardware.iter().map(|&(codec, encoder)| scope.spawn(trial(codec, &encoder.choice))).collect();
        running.into_iter().map(|trial| trial.join().ok().and_then(Result::ok)).collect()
    });
    let mut rows = Vec::new();
    for ((codec, MachineEncoder { choice, .. }), speed) in hardware.into_iter().zip(tried) {
        rows.push(match speed {
            Some(speed) => ok("encoder", format!("{choice}: {codec}, {speed:.0} frames of 1280x720 a second")),
            None => {
                let found = format!("{choice}: {codec}, did not pass its trial; `framereel codecs --trial` says why");
                ["no".to_owned(), "encoder".to_owned(), found]
            }
        });
    }
    let of_ffmpeg = rest.into_iter().filter(|(_, encoder)| is_ffmpegs(encoder));
    rows.extend(of_ffmpeg.map(|(codec, MachineEncoder { choice, .. })| ok("encoder", format!("{choice}: {codec}"))));
    rows
}

type Row = [String; 3];

fn adapter(gpu: &Gpu) -> Vec<Row> {
    let info = gpu.info();
    let limit = gpu.max_size();
    vec![
        ok("adapter", format!("{} ({:?})", info.name, info.device_type)),
        ok("driver", format!("{} {}, {} backend", info.driver, info.driver_info, info.backend)),
        ok("limits", format!("pictures up to {limit}x{limit}")),
    ]
}

fn ok(what: &str, found: impl Into<String>) -> Row {
    ["ok".to_owned(), what.to_owned(), found.into()]
}

fn missing(what: &str, remedy: impl Into<String>) -> Row {
    ["missing".to_owned(), what.to_owned(), remedy.into()]
}
