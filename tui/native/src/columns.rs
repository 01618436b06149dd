//! Columns of indexes and unions, as the bytes of Python arrays: checks of those that come from the cache
//! (`layertui/layers/column_bounds.py`, `layertui/union/codec.py`), and keys by kind (`layertui/union/builder.py`).

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

/// Values of `ev_entry`, `Absence` in `layertui/union/model.py`: from `IMPLIED` up, the path exists.
const IMPLIED: i64 = -1;
const LOWEST_ABSENCE: i64 = -5;
/// The last kind of a path that exists.
const SOCKET: u8 = 7;

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

/// The keys of the entries of a kind, in the order of the tar. `keys` are joined by slashes.
#[pyfunction]
pub fn keys_of_kind<'py>(py: Python<'py>, keys: &[u8], kinds: &[u8], kind: u8) -> Vec<Bound<'py, PyBytes>> {
    let found = py.detach(|| {
        let entries = keys.split(|&byte| byte == b'/').zip(kinds);
        entries.filter_map(|(key, &of)| (of == kind).then_some(key)).collect::<Vec<_>>()
    });
    found.into_iter().map(|key| PyBytes::new(py, key)).collect()
}

/// Whether the columns of a union refer to each other as they should, and to entries that its layers have.
///
/// `columns` are those of `COLUMNS` in `layertui/union/model.py`, each of its full length; `starts` are in order.
/// Left to Python: the keys themselves, `length` bytes, and the targets of symlinks.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // as PyO3 extracts them
pub fn union_fits(
    py: Python<'_>,
    length: i64,
    columns: [PyBackedBytes; 8],
    ev_kind: &[u8],
    starts: Vec<usize>,
    counts: Vec<i64>,
) -> bool {
    let [offsets, parent, end, last, node_of, entry_of, before, inode_of] =
        columns.each_ref().map(|column| &column[..]);
    py.detach(|| {
        nodes_fit(length, offsets, parent, end, last, ev_kind.len())
            && events_fit(last, node_of, entry_of, before, inode_of)
            && layers_fit(entry_of, ev_kind, &starts, &counts)
            && chains_fit(last, node_of, before)
    })
}

fn nodes_fit(length: i64, offsets: &[u8], parent: &[u8], end: &[u8], last: &[u8], events: usize) -> bool {
    let mut starts = values(offsets);
    let mut before = starts.next();
    let mut parents = values(parent);
    let (nodes, events) = (signed(parent.len() / 4), signed(events));
    before == Some(0)
        && starts.all(|start| before.replace(start).is_some_and(|before| before < start))
        && before == Some(length + 1)
        && parents.next() == Some(-1)
        && (1..).zip(parents).all(|(node, parent)| 0 <= parent && parent < node)
        && (0..).zip(values(end)).all(|(node, end)| node < end && end <= nodes)
        && values(last).all(|event| -1 <= event && event < events)
}

fn events_fit(last: &[u8], node_of: &[u8], entry_of: &[u8], before: &[u8], inode_of: &[u8]) -> bool {
    let nodes = signed(last.len() / 4);
    // A hardlink refers to an earlier event that stores an entry.
    let stores = |event: usize| values(&entry_of[4 * event..]).next() >= Some(0);
    values(node_of).all(|node| 0 <= node && node < nodes)
        && (0..).zip(values(before)).all(|(event, before)| -1 <= before && before < event)
        && (0..)
            .zip(values(inode_of))
            .all(|(event, inode)| inode == event || inode < event && usize::try_from(inode).is_ok_and(stores))
}

/// Whether the events of each layer refer to entries that it has, and agree on which are deletions.
fn layers_fit(entry_of: &[u8], ev_kind: &[u8], starts: &[usize], counts: &[i64]) -> bool {
    starts.windows(2).zip(counts).all(|(range, &count)| {
        let entries = values(&entry_of[4 * range[0]..4 * range[1]]);
        entries.zip(&ev_kind[range[0]..range[1]]).all(|(entry, &kind)| {
            LOWEST_ABSENCE <= entry && entry < count && (IMPLIED <= entry) == (kind <= SOCKET)
        })
    })
}

/// Whether the events of each node are linked from its last to its first, and none is left out.
fn chains_fit(last: &[u8], node_of: &[u8], before: &[u8]) -> bool {
    let nodes: Vec<i64> = values(node_of).collect();
    let mut seen = vec![false; nodes.len()];
    // Each event is the last of its node, or before one other event of its node.
    let mut is_first_visit = |event: i64, node: i64| {
        usize::try_from(event)
            .is_ok_and(|event| nodes.get(event) == Some(&node) && !std::mem::replace(&mut seen[event], true))
    };
    let lasts = (0..).zip(values(last));
    let previous = nodes.iter().copied().zip(values(before));
    lasts.chain(previous).all(|(node, event)| event < 0 || is_first_visit(event, node))
        && seen.into_iter().all(|seen| seen)
}

/// The values of a column of four bytes each, one that uses the topmost bit as a negative number.
fn values(column: &[u8]) -> impl ExactSizeIterator<Item = i64> {
    numbers(column, |bytes| i32::from_ne_bytes(bytes).into())
}

fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
