//! The times of pictures that are files of their own, as JSON:
//!
//! ```json
//! {"frames":[
//! {"name":"00001.png","start":0,"duration":0.04},
//! {"name":"00002.png","start":0.04,"duration":0.04}
//! ]}
//! ```
//!
//! Times are in seconds from the beginning of the recording, to the nanosecond. The list is kept in memory until the
//! recording's end: some 50 bytes a picture.

use crate::time::{Span, Timestamp};

/// The names of pictures and the times at which they are shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct PictureTimes {
    pictures: Vec<(String, Timestamp)>,
}

impl PictureTimes {
    /// Its MIME type.
    pub const MIME_TYPE: &'static str = "application/json";

    /// Adds a picture that is shown from `start` to the next one.
    pub fn push(&mut self, name: String, start: Timestamp) {
        self.pictures.push((name, start));
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Forgets the last picture.
    pub fn pop(&mut self) {
        self.pictures.pop();
    }

    /// The list, if the last picture is shown until `end`.
    pub fn to_json(&self, end: Timestamp) -> String {
        let ends = self.pictures.iter().skip(1).map(|(_, start)| *start).chain([end]);
        let lines: Vec<_> = self
            .pictures
            .iter()
            .zip(ends)
            .map(|((name, start), end)| {
                let name = serde_json::Value::from(name.as_str());
                let (start, duration) = (seconds(*start - Timestamp::ZERO), seconds(end - *start));
                format!("{{\"name\":{name},\"start\":{start},\"duration\":{duration}}}")
            })
            .collect();
        format!("{{\"frames\":[\n{}\n]}}\n", lines.join(",\n"))
    }
}

/// Seconds as a decimal number without zeros at its end.
fn seconds(span: Span) -> String {
    let nanos = span.as_nanos().max(0);
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_and_names_are_any() {
        let mut times = PictureTimes::default();
        times.push("a \"b\".png".to_owned(), Timestamp::ZERO);
        times.push("c.png".to_owned(), Timestamp::ZERO + Span::from_nanos(33_333_334));
        let json: serde_json::Value =
            serde_json::from_str(&times.to_json(Timestamp::ZERO + Span::from_secs(10))).unwrap();
        let expected = serde_json::json!({ "frames": [
            { "name": "a \"b\".png", "start": 0, "duration": 0.033333334 },
            { "name": "c.png", "start": 0.033333334, "duration": 9.966666666 },
        ] });
        assert_eq!(json, expected);
    }
}
