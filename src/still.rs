//! Frame -> PNG, JPEG, WebP bytes.
