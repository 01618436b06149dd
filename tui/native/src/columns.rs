//! Checks of columns that come from the cache: `layertui/layers/column_bounds.py`, and the chains of
//! events of `layertui/union/codec.py`. Columns are the bytes of Python arrays.

use pyo3::prelude::*;

/// Whether each value of a column, as a signed number of `size` bytes, is at least `lowest` and below a limit:
/// the one in the same place of `limits`, else `limit`, else none.
#[pyfunction]
#[pyo3(signature = (values, size, limits, limit, lowest))]
pub fn all_below(
    py: Python<'_>,
    values: &[u8],
    size: usize,
    limits: Option<&[u8]>,
    limit: Option<i64>,
    lowest: i64,
) -> bool {
    py.detach(|| match size {
        2 => within(values, limits, limit, lowest, |bytes| i16::from_ne_bytes(bytes).into()),
        4 => within(values, limits, limit, lowest, |bytes| i32::from_ne_bytes(bytes).into()),
        _ => within(values, limits, limit, lowest, i64::from_ne_bytes),
    })
}

fn within<const N: usize>(
    values: &[u8],
    limits: Option<&[u8]>,
    limit: Option<i64>,
    lowest: i64,
    number: impl Fn([u8; N]) -> i64 + Copy,
) -> bool {
    let mut values = numbers(values, number);
    match (limits, limit) {
        (Some(limits), _) => {
            values.zip(numbers(limits, number)).all(|(value, limit)| lowest <= value && value < limit)
        }
        (None, Some(limit)) => values.all(|value| lowest <= value && value < limit),
        (None, None) => values.all(|value| lowest <= value),
    }
}

fn numbers<const N: usize, T>(
    column: &[u8],
    number: impl Fn([u8; N]) -> T,
) -> impl ExactSizeIterator<Item = T> {
    column.chunks_exact(N).map(move |bytes| number(bytes.try_into().expect("a chunk of N bytes")))
}

/// Whether the events of each node are linked from its last to its first, and none is left out.
#[pyfunction]
pub fn chains_fit(py: Python<'_>, last: &[u8], ev_node: &[u8], ev_prev: &[u8]) -> bool {
    py.detach(|| {
        let nodes: Vec<i32> = numbers(ev_node, i32::from_ne_bytes).collect();
        let mut seen = vec![false; nodes.len()];
        // Each event is the last of its node, or before one other event of its node.
        let mut is_first_visit = |event: i32, node: i32| {
            usize::try_from(event).is_ok_and(|event| {
                nodes.get(event) == Some(&node) && !std::mem::replace(&mut seen[event], true)
            })
        };
        let lasts = (0..).zip(numbers(last, i32::from_ne_bytes));
        let previous = nodes.iter().copied().zip(numbers(ev_prev, i32::from_ne_bytes));
        lasts.chain(previous).all(|(node, event)| event < 0 || is_first_visit(event, node))
            && seen.into_iter().all(|seen| seen)
    })
}
