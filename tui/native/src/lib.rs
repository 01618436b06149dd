//! The hot loops of layertui, without the interpreter and its lock.
//!
//! Python decides what layers mean: whatever is rare, malformed or worth a warning is left to
//! it, entry by entry. What is here gives the same columns for the rest, which is nearly all.
//!
//! Besides, what needs a library of Rust: `confine`.

mod columns;
mod confine;
mod header;
mod pax;
mod points;
mod scan;
mod tree;

use pyo3::prelude::*;

/// The number of the interface that `layertui.layers.native` expects.
const INTERFACE: u32 = 7;

#[pymodule]
mod layertui_native {
    use super::{INTERFACE, PyResult};
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::columns::{all_below, keys_of_kind, union_fits};
    #[pymodule_export]
    use super::confine::confine;
    #[pymodule_export]
    use super::points::BlockFinder;
    #[pymodule_export]
    use super::scan::Entries;
    #[pymodule_export]
    use super::tree::{Rare, Tree};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("INTERFACE", INTERFACE)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

/// Numbers as the bytes of a Python array.
fn packed<const N: usize>(values: impl ExactSizeIterator<Item = [u8; N]>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(N * values.len());
    values.for_each(|value| bytes.extend_from_slice(&value));
    bytes
}
