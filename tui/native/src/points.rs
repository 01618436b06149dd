//! Where the decompression of a deflate stream can start: its blocks, and what was decompressed before each.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Bytes before a position that it may refer to (RFC 1951, 2).
const WINDOW: usize = 1 << 15;
/// Bytes that are decompressed in one place before it is used again; a power of two.
const RING: usize = 1 << 18;

/// A block that decompression can start with.
struct Point {
    offset: u64,
    stored: u64,
    /// How many bits of the byte before `stored` belong to the block, and these bits.
    bits: (u8, u8),
    window: Vec<u8>,
}

/// Finds points of a deflate stream, at least `spacing` stored bytes apart.
#[pyclass]
pub struct BlockFinder {
    spacing: u64,
    inflater: Box<DecompressorOxide>,
    ring: Vec<u8>,
    /// Bytes decompressed and consumed so far.
    offset: u64,
    stored: u64,
    is_over: bool,
    points: Vec<Point>,
}

#[pymethods]
impl BlockFinder {
    #[new]
    fn new(spacing: u64) -> Self {
        Self {
            spacing,
            inflater: Box::default(),
            ring: vec![0; RING],
            offset: 0,
            stored: 0,
            is_over: false,
            points: Vec::new(),
        }
    }

    /// Take the next bytes of the stream; they are ignored after its end, and where it is damaged.
    fn feed(&mut self, data: &Bound<'_, PyBytes>) {
        let bytes = data.as_bytes();
        data.py().detach(|| self.inflate(bytes));
    }

    /// The offset of each point in the decompressed and in the stored bytes, the number and value of the bits
    /// that precede it there, and the bytes that were decompressed before it.
    fn points<'py>(&self, py: Python<'py>) -> Vec<(u64, u64, u8, u8, Bound<'py, PyBytes>)> {
        let packed = |point: &Point| {
            let window = PyBytes::new(py, &point.window);
            (point.offset, point.stored, point.bits.0, point.bits.1, window)
        };
        self.points.iter().map(packed).collect()
    }
}

impl BlockFinder {
    fn inflate(&mut self, mut input: &[u8]) {
        while !self.is_over && !input.is_empty() {
            let at = self.position();
            let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY;
            let (status, consumed, written) =
                decompress(&mut self.inflater, input, &mut self.ring, at, flags);
            input = &input[consumed..];
            self.stored += consumed as u64;
            self.offset += written as u64;
            match status {
                TINFLStatus::BlockBoundary => self.add_if_due(),
                TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => {}
                _ => self.is_over = true,
            }
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.offset % RING as u64).unwrap_or(0)
    }

    fn add_if_due(&mut self) {
        let last = self.points.last().map_or(0, |point| point.stored);
        let Some(state) = self.inflater.block_boundary_state() else { return };
        if self.stored - last < self.spacing {
            return;
        }
        let (end, length) = (self.position(), WINDOW.min(usize::try_from(self.offset).unwrap_or(WINDOW)));
        let mut window = Vec::with_capacity(length);
        if length > end {
            window.extend_from_slice(&self.ring[RING - (length - end)..]);
        }
        window.extend_from_slice(&self.ring[end.saturating_sub(length)..end]);
        self.points.push(Point {
            offset: self.offset,
            stored: self.stored,
            bits: (state.num_bits, state.bit_buf),
            window,
        });
    }
}
