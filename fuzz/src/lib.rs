//! What the fuzz targets share: making inputs of bytes, and judging what comes out.

pub mod brackets;
pub mod expressions;
pub mod json;
pub mod pairs;
pub mod places;
