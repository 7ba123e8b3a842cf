//! Whether framereel became slower beside its peers since results were stored. Absolute times are never compared: they
//! differ from machine to machine and with what else runs.

use crate::arguments::Arguments;
use crate::results::{Results, Row};

/// How many times as high as before a ratio may be.
const TOLERANCE: f64 = 1.15;

/// Compares these rows with those of the same names that were stored, and says what it found; true if none is worse.
pub fn check(before: &Results, now: &Results, arguments: &Arguments) -> (String, bool) {
    let mut text = String::new();
    if before.film != now.film {
        let [before, now] = [before, now].map(|results| results.film.name());
        text +=
            &format!("expected the film of the stored results ({before}) but found {now}; give that film by --film\n");
    }
    let wanted = |row: &&Row| arguments.wants(&row.name, &row.chain, &row.peer);
    let (mut compared, mut worse) = (0, 0);
    for row in before.rows.iter().filter(wanted) {
        let found = now.rows.iter().find(|found| key(found) == key(row));
        match (row.ratio, found.and_then(|found| found.ratio)) {
            (Some(old), Some(new)) => {
                compared += 1;
                if new > old * TOLERANCE {
                    worse += 1;
                    text += &format!("worse: {}: expected a ratio of {old:.2} but found {new:.2}\n", key(row));
                }
            }
            (Some(_), None) => text += &format!("only in the stored results: {}\n", key(row)),
            (None, _) => {}
        }
    }
    for row in now.rows.iter().filter(|row| row.ratio.is_some()) {
        if !before.rows.iter().any(|found| key(found) == key(row) && found.ratio.is_some()) {
            text += &format!("not in the stored results: {}\n", key(row));
        }
    }
    if compared == 0 {
        text += "expected rows to compare but found none; choose others with --only, or store results with --json\n";
    } else {
        text += &format!("{compared} ratios compared, {worse} more than 15 % worse\n");
    }
    (text, worse == 0 && compared > 0)
}

fn key(row: &Row) -> String {
    format!("{}, {}, {}", row.name, row.chain, row.peer)
}
