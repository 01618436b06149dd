//! The tree of a union: `layertui/union/tree.py`, with the same nodes, events and columns.

use hashbrown::{DefaultHashBuilder, HashTable};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::ops::Range;

/// In place of a node or an event; -1 in Python.
const NONE: u32 = u32::MAX;
/// `ev_entry` from this up: the path exists.
const IMPLIED: i32 = -1;

const HARDLINK: u8 = 1;
const DIRECTORY: u8 = 5;
const WHITEOUT: u8 = 8;
/// FILE, CHAR, BLOCK, DIRECTORY, FIFO: over the same kind, each needs nothing but an event.
const SIMPLE: [bool; 8] = [true, false, false, true, true, true, true, false];

/// Columns of the nodes, in the order of their keys, and of the events; see Python's `Tree.columns`.
type Columns<'py> = [Bound<'py, PyBytes>; 10];

/// Every path of the layers applied so far, and what they did to it.
#[pyclass]
#[derive(Default)]
pub struct Tree {
    keys: Vec<u8>,
    /// Start of each node's key, and one more.
    starts: Vec<usize>,
    parents: Vec<u32>,
    last: Vec<u32>,
    /// Hash and node of each key.
    ids: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
    /// Children of the first nodes, by parent: the first, the last, and the next of the same parent.
    first_child: Vec<u32>,
    last_child: Vec<u32>,
    next_child: Vec<u32>,
    ev_node: Vec<u32>,
    ev_entry: Vec<i32>,
    ev_prev: Vec<u32>,
    ev_inode: Vec<u32>,
    ev_kind: Vec<u8>,
}

#[pymethods]
impl Tree {
    #[new]
    fn new() -> Self {
        let mut tree = Self { starts: vec![0], ..Self::default() };
        let hash = tree.hash_of(b"");
        tree.push(0, b"", hash);
        tree
    }

    /// The number of events.
    fn events(&self) -> usize {
        self.ev_kind.len()
    }

    fn find(&self, key: &[u8]) -> i64 {
        signed(self.node_of(key))
    }

    fn key<'py>(&self, py: Python<'py>, node: u32) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.key_of(node))
    }

    fn parent(&self, node: u32) -> u32 {
        self.parents[node as usize]
    }

    fn last(&self, node: u32) -> i64 {
        signed(self.last[node as usize])
    }

    fn entry(&self, event: u32) -> i32 {
        self.ev_entry[event as usize]
    }

    fn inode(&self, event: u32) -> u32 {
        self.ev_inode[event as usize]
    }

    /// The kind of what a node is now; -1 if it does not exist.
    fn kind(&self, node: u32) -> i16 {
        self.kind_of(node).map_or(-1, i16::from)
    }

    /// The node of a key below a directory, added if it is new.
    fn node(&mut self, parent: u32, key: &[u8]) -> u32 {
        let hash = self.hash_of(key);
        match self.node_hashed(key, hash) {
            NONE => self.push(parent, key, hash),
            node => node,
        }
    }

    /// Append an event; one without `inode` is its own.
    fn event(&mut self, node: u32, entry: i32, kind: u8, inode: i64) {
        let event = number(self.events());
        self.ev_node.push(node);
        self.ev_entry.push(entry);
        self.ev_prev.push(self.last[node as usize]);
        self.ev_inode.push(u32::try_from(inode).unwrap_or(event));
        self.ev_kind.push(kind);
        self.last[node as usize] = event;
    }

    /// Delete everything that exists below a directory.
    fn clear(&mut self, py: Python<'_>, directory: u32, deletion: i32, kind: u8) {
        py.detach(|| self.clear_below(directory, deletion, kind));
    }

    /// Lay the entries of a layer over the tree; yield those that are left to Python.
    fn lay(
        slf: Bound<'_, Self>,
        index: &Bound<'_, PyAny>,
        whiteouts: HashSet<Vec<u8>>,
        first: u32,
    ) -> PyResult<Rare> {
        let keys = index.getattr("keys")?.cast_into::<PyBytes>()?.unbind();
        let kinds: Vec<u8> = index.getattr("kind")?.extract()?;
        let (link, links) = (index.getattr("link")?, index.getattr("links")?);
        let is_hardlink = |&(_, &kind): &(usize, &u8)| kind == HARDLINK;
        let hardlinks = kinds.iter().enumerate().filter(is_hardlink);
        let targets =
            hardlinks.map(|(entry, _)| Ok((entry, links.get_item(link.get_item(entry)?)?.extract()?)));
        let targets = targets.collect::<PyResult<_>>()?;
        Ok(Rare { tree: slf.unbind(), keys, kinds, targets, whiteouts, first, number: 0, at: 0 })
    }

    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Columns<'py>> {
        let Order { nodes, rank, sizes } = py.detach(|| self.order());
        let parent = |place: usize| match nodes[place] {
            0 => NONE,
            node => rank[self.parents[node as usize] as usize],
        };
        let (keys, offsets) = self.keys_in(py, &nodes)?;
        let (node_count, event_count) = (nodes.len(), self.events());
        Ok([
            keys,
            offsets,
            column(py, node_count, parent)?,
            column(py, node_count, |place| number(place) + sizes[nodes[place] as usize])?,
            column(py, node_count, |place| self.last[nodes[place] as usize])?,
            column(py, event_count, |event| rank[self.ev_node[event] as usize])?,
            column(py, event_count, |event| u32::from_ne_bytes(self.ev_entry[event].to_ne_bytes()))?,
            column(py, event_count, |event| self.ev_prev[event])?,
            column(py, event_count, |event| self.ev_inode[event])?,
            PyBytes::new(py, &self.ev_kind),
        ])
    }
}

impl Tree {
    fn key_of(&self, node: u32) -> &[u8] {
        &self.keys[self.range(node)]
    }

    fn range(&self, node: u32) -> Range<usize> {
        self.starts[node as usize]..self.starts[node as usize + 1]
    }

    fn node_of(&self, key: &[u8]) -> u32 {
        self.node_hashed(key, self.hash_of(key))
    }

    fn node_hashed(&self, key: &[u8], hash: u32) -> u32 {
        let is_key = |&(other, node): &(u32, u32)| other == hash && self.key_of(node) == key;
        self.ids.find(spread(hash), is_key).map_or(NONE, |&(_, node)| node)
    }

    fn hash_of(&self, key: &[u8]) -> u32 {
        u32::try_from(self.hasher.hash_one(key) >> 32).unwrap_or_default()
    }

    fn kind_of(&self, node: u32) -> Option<u8> {
        let last = self.last[node as usize];
        (last != NONE && self.ev_entry[last as usize] >= IMPLIED).then(|| self.ev_kind[last as usize])
    }

    /// Add the node of a new key.
    fn push(&mut self, parent: u32, key: &[u8], hash: u32) -> u32 {
        let node = number(self.parents.len());
        self.keys.extend_from_slice(key);
        self.starts.push(self.keys.len());
        self.parents.push(parent);
        self.last.push(NONE);
        self.ids.insert_unique(spread(hash), (hash, node), |&(hash, _)| spread(hash));
        node
    }

    /// The kind of the file at a key and the event that stored it; `None` unless the layer itself has the file.
    fn file_of(&self, key: &[u8], first: u32) -> Option<(u8, u32)> {
        let is_directory = |node| node != NONE && self.kind_of(node) == Some(DIRECTORY);
        let node = self.node_of(key);
        let last = *self.last.get(node as usize)?;
        let kind = self.kind_of(node)?;
        let is_plain = kind != DIRECTORY && last >= first && is_directory(self.node_of(directory_of(key)));
        is_plain.then(|| (kind, self.ev_inode[last as usize]))
    }

    fn clear_below(&mut self, directory: u32, deletion: i32, kind: u8) {
        let count = self.parents.len();
        for children in [&mut self.first_child, &mut self.last_child] {
            children.resize(count, NONE);
        }
        for node in self.next_child.len().max(1)..count {
            let parent = self.parents[node] as usize;
            match self.last_child[parent] {
                NONE => self.first_child[parent] = number(node),
                last => self.next_child[last as usize] = number(node),
            }
            self.last_child[parent] = number(node);
            self.next_child.resize(node + 1, NONE);
        }
        let mut waiting = vec![directory];
        while let Some(above) = waiting.pop() {
            let mut child = self.first_child[above as usize];
            while child != NONE {
                if let Some(was) = self.kind_of(child) {
                    self.event(child, deletion, kind, -1);
                    if was == DIRECTORY {
                        waiting.push(child);
                    }
                }
                child = self.next_child[child as usize];
            }
        }
    }

    /// The nodes depth first, siblings by name.
    fn order(&self) -> Order {
        let count = self.parents.len();
        // Children by parent: a parent has a lower number than its children.
        let mut ends = vec![0; count + 1];
        for &parent in &self.parents[1..] {
            ends[parent as usize + 1] += 1;
        }
        for node in 0..count {
            ends[node + 1] += ends[node];
        }
        let mut children = vec![0; count - 1];
        let mut next: Vec<usize> = ends[..count].to_vec();
        let mut sizes = vec![1; count];
        for node in 1..count {
            let parent = self.parents[node] as usize;
            children[next[parent]] = number(node);
            next[parent] += 1;
        }
        for node in (1..count).rev() {
            sizes[self.parents[node] as usize] += sizes[node];
        }
        let mut rank = vec![0; count];
        for node in 0..count {
            let siblings = &mut children[ends[node]..ends[node + 1]];
            let above = self.range(number(node)).len();
            siblings.sort_unstable_by_key(|&child| &self.key_of(child)[above..]);
            let mut next = rank[node] + 1;
            for &mut child in siblings {
                rank[child as usize] = next;
                next += sizes[child as usize];
            }
        }
        let mut nodes = vec![0; count];
        for (node, &place) in rank.iter().enumerate() {
            nodes[place as usize] = number(node);
        }
        Order { nodes, rank, sizes }
    }

    /// The keys of nodes, joined by slashes, and where each starts; then where the next one would.
    fn keys_in<'py>(
        &self,
        py: Python<'py>,
        nodes: &[u32],
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let mut offsets = vec![0];
        let keys = PyBytes::new_with(py, self.keys.len() + nodes.len() - 1, |room| {
            py.detach(|| {
                let mut at = 0;
                for &node in nodes {
                    if at > 0 {
                        room[at - 1] = b'/';
                    }
                    let key = self.key_of(node);
                    room[at..at + key.len()].copy_from_slice(key);
                    at += key.len() + 1;
                    offsets.push(number(at));
                }
            });
            Ok(())
        })?;
        Ok((keys, column(py, offsets.len(), |place| offsets[place])?))
    }
}

/// Nodes depth first.
struct Order {
    nodes: Vec<u32>,
    /// By node, its place among them.
    rank: Vec<u32>,
    /// By node, the number of nodes from it to the end of what is below it.
    sizes: Vec<u32>,
}

/// The bytes of a Python array, written where they stay.
fn column(py: Python<'_>, count: usize, value: impl Fn(usize) -> u32 + Sync) -> PyResult<Bound<'_, PyBytes>> {
    const SIZE: usize = size_of::<u32>();
    PyBytes::new_with(py, SIZE * count, |room| {
        py.detach(|| {
            for (place, bytes) in room.chunks_exact_mut(SIZE).enumerate() {
                bytes.copy_from_slice(&value(place).to_ne_bytes());
            }
        });
        Ok(())
    })
}

/// The entries of a layer that are left to Python, number and key of each; the others are laid on the way.
#[pyclass]
pub struct Rare {
    tree: Py<Tree>,
    keys: Py<PyBytes>,
    kinds: Vec<u8>,
    /// Keys that hardlinks refer to, by entry.
    targets: HashMap<usize, PyBackedBytes>,
    whiteouts: HashSet<Vec<u8>>,
    first: u32,
    number: usize,
    at: usize,
}

#[pymethods]
impl Rare {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> Option<(usize, Py<PyBytes>)> {
        let keys = self.keys.clone_ref(py);
        let keys = keys.bind(py).as_bytes();
        let tree = self.tree.clone_ref(py);
        let tree = &mut *tree.borrow_mut(py);
        let key = py.detach(|| self.next(tree, keys))?;
        Some((self.number - 1, PyBytes::new(py, &keys[key]).unbind()))
    }
}

impl Rare {
    /// Lay entries up to the first that is left to Python; return where its key is.
    fn next(&mut self, tree: &mut Tree, keys: &[u8]) -> Option<Range<usize>> {
        let mut parent = NONE;
        let mut directory: &[u8] = b"";
        while self.number < self.kinds.len() {
            let (number, kind) = (self.number, self.kinds[self.number]);
            let length = keys[self.at..].iter().position(|&byte| byte == b'/');
            let place = self.at..length.map_or(keys.len(), |length| self.at + length);
            let key = &keys[place.clone()];
            self.number += 1;
            self.at = place.end + 1;
            if kind >= WHITEOUT {
                continue;
            }
            let above = directory_of(key);
            if parent == NONE || above != directory {
                directory = above;
                parent = tree.node_of(above);
                // All parents of an existing directory exist and are directories.
                if parent == NONE || tree.kind_of(parent) != Some(DIRECTORY) {
                    return Some(place);
                }
            }
            let entry = i32::try_from(number).ok()?;
            let hash = tree.hash_of(key);
            let node = tree.node_hashed(key, hash);
            if node == NONE {
                if self.whiteouts.contains(key) {
                    return Some(place);
                }
                let (kind, inode) = match self.targets.get(&number) {
                    None => (kind, -1),
                    Some(target) => match tree.file_of(target, self.first) {
                        None => return Some(place),
                        Some((kind, inode)) => (kind, inode.into()),
                    },
                };
                let node = tree.push(parent, key, hash);
                tree.event(node, entry, kind, inode);
            } else {
                let last = tree.last[node as usize];
                let is_simple = node > 0 && last < self.first && SIMPLE[kind as usize];
                if !is_simple || tree.ev_kind[last as usize] != kind {
                    return Some(place);
                }
                tree.event(node, entry, kind, -1);
            }
        }
        None
    }
}

fn directory_of(key: &[u8]) -> &[u8] {
    &key[..key.iter().rposition(|&byte| byte == 0).unwrap_or(0)]
}

/// A node, event or offset as the columns have it.
fn number(value: usize) -> u32 {
    u32::try_from(value).expect("fewer than 4 billion paths, events and bytes of keys")
}

/// A hash whose upper bits matter too, as the table wants it.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

fn signed(number: u32) -> i64 {
    if number == NONE { -1 } else { i64::from(number) }
}
