//! Filters: a chain of CSS-like functions.

/// A chain of filters, applied left to right.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FilterChain {}
