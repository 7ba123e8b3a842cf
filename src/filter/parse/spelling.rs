//! Suggests a filter for a misspelt name.

use crate::filter::catalog;

/// The longest name, in bytes, for which similar ones are searched.
const LONGEST_NAME: usize = 64;

/// The filter whose name is nearest to a misspelt one, if any is near: by the number of letters that are inserted, left
/// out, changed or swapped with their neighbour (Damerau 1964, Levenshtein 1966).
pub(super) fn nearest(given: &str) -> Option<&'static str> {
    if given.len() > LONGEST_NAME {
        return None;
    }
    let given = given.to_ascii_lowercase().replace('_', "-");
    let (distance, name) = catalog().iter().map(|info| (strsim::osa_distance(&given, info.name), info.name)).min()?;
    (distance <= 1 + name.len() / 3).then_some(name)
}
