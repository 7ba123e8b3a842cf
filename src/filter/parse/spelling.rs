//! The filter that a misspelt name may mean.

use crate::filter::catalog;

/// The longest name, in bytes, that similar ones are looked for.
const LONGEST_NAME: usize = 64;

/// The filter whose name is nearest to a misspelt one, if any is near.
pub(super) fn nearest(given: &str) -> Option<&'static str> {
    if given.len() > LONGEST_NAME {
        return None;
    }
    let given = given.to_ascii_lowercase().replace('_', "-");
    let (distance, name) = catalog().iter().map(|info| (edit_distance(&given, info.name), info.name)).min()?;
    (distance <= 1 + name.len() / 3).then_some(name)
}

/// How many letters must be put in, left out, changed or swapped with their neighbour (Damerau 1964, Levenshtein 1966).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swap = if swapped { rows[i - 2][j - 2] + 1 } else { usize::MAX };
                change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(swap)
            };
        }
    }
    rows[a.len()][b.len()]
}
