#![allow(missing_docs, dead_code)]
use crate::error::Result;
use std::path::Path;
#[derive(Debug)]
pub struct Custom {}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Color,
    Area,
    Image,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    F32,
    I32,
    U32,
    Vec3,
    Vec4,
}
#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub kind: FieldKind,
    pub default: [f32; 4],
}
impl Custom {
    pub fn load(_p: &Path) -> Result<Self> {
        unreachable!()
    }
    pub fn fields(&self) -> &[Field] {
        &[]
    }
    pub fn kind(&self) -> Kind {
        Kind::Color
    }
    pub fn path(&self) -> Option<&Path> {
        None
    }
    pub fn name(&self) -> &str {
        ""
    }
    pub fn uses_previous(&self) -> bool {
        false
    }
    pub fn wgsl(&self, _p: &str) -> String {
        String::new()
    }
}
