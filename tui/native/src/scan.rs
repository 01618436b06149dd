//! The entries of a tar: those parts of `layertui/layers/tar/scanner.py` that most of them need.

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyList};
use std::collections::HashMap;

use crate::header::{
    BLOCK, GID, LINKNAME, MAGIC, MODE, MTIME, NAME, PREFIX, SIZE, TYPEFLAG, UID, USTAR, has_sound_devices,
    is_sound, octal, padding, until_nul,
};
use crate::packed;
use crate::pax::{Extended, attributes_key};

const FILE: u8 = 0;
const HARDLINK: u8 = 1;
const SYMLINK: u8 = 2;
const DIRECTORY: u8 = 5;
const WHITEOUT: u8 = 8;
const OPAQUE: u8 = 9;

/// Longest path or target, and longest name in a path, on Linux.
const MAX_PATH: usize = 4096;
const MAX_NAME: usize = 255;
/// Largest extended header, and largest file, that is not left to Python.
const MAX_META: u64 = 1 << 20;
const MAX_SIZE: u64 = 1 << 60;

/// The columns of one or more entries, as bytes of Python arrays.
type Columns<'py> = (
    (Bound<'py, PyBytes>, Bound<'py, PyBytes>), // keys, kind
    [Bound<'py, PyBytes>; 7],                   // mode, uid, gid, size, mtime, mtime_ns, offset
    (Vec<usize>, Bound<'py, PyList>),           // links: entries, targets
    Vec<(usize, usize)>,                        // attributes: entries, numbers of what they share
);

/// Entries that were read, as columns, until Python takes them.
#[pyclass]
#[derive(Default)]
pub struct Entries {
    /// A slash follows each.
    keys: Vec<u8>,
    kind: Vec<u8>,
    mode: Vec<u16>,
    uid: Vec<u32>,
    gid: Vec<u32>,
    size: Vec<u64>,
    mtime: Vec<i64>,
    mtime_ns: Vec<u32>,
    offset: Vec<u64>,
    linked: Vec<usize>,
    links: Vec<Vec<u8>>,
    attributed: Vec<(usize, usize)>,
    /// Numbers of attributes that entries may share, by [`attributes_key`].
    shared: HashMap<Vec<u8>, usize>,
    /// Bytes of the extended headers of all entries so far.
    #[pyo3(get)]
    meta_read: u64,
}

#[pymethods]
impl Entries {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Read headers from an offset of the tar on, and stop at the first that does not need Python's care.
    ///
    /// `chunk` starts at `base` of the tar. Return the offset of the header that is next, and the size that
    /// the last one before it claims; `size` if there is none.
    fn read(&mut self, chunk: &Bound<'_, PyBytes>, base: u64, offset: u64, size: u64) -> (u64, u64) {
        let bytes = chunk.as_bytes();
        chunk.py().detach(|| self.read_all(bytes, base, offset, size))
    }

    /// Tell of attributes that entries share, for which Python has the next number. Others are left to it.
    #[expect(clippy::needless_pass_by_value, reason = "what Python passes is converted")]
    fn share(&mut self, attributes: Vec<(PyBackedBytes, PyBackedBytes)>) {
        let pairs = attributes.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let number = self.shared.len();
        self.shared.insert(attributes_key(pairs), number);
    }

    /// Return the columns of the entries since the last call; `None` without any.
    fn take<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Columns<'py>>> {
        if self.kind.is_empty() {
            return Ok(None);
        }
        let kept =
            Self { meta_read: self.meta_read, shared: std::mem::take(&mut self.shared), ..Self::default() };
        let taken = std::mem::replace(self, kept);
        let columns = py.detach(|| {
            [
                packed(taken.mode.iter().map(|value| value.to_ne_bytes())),
                packed(taken.uid.iter().map(|value| value.to_ne_bytes())),
                packed(taken.gid.iter().map(|value| value.to_ne_bytes())),
                packed(taken.size.iter().map(|value| value.to_ne_bytes())),
                packed(taken.mtime.iter().map(|value| value.to_ne_bytes())),
                packed(taken.mtime_ns.iter().map(|value| value.to_ne_bytes())),
                packed(taken.offset.iter().map(|value| value.to_ne_bytes())),
            ]
        });
        let links = taken.links.iter().map(|target| PyBytes::new(py, target));
        Ok(Some((
            (PyBytes::new(py, &taken.keys[..taken.keys.len() - 1]), PyBytes::new(py, &taken.kind)),
            columns.map(|column| PyBytes::new(py, &column)),
            (taken.linked, PyList::new(py, links)?),
            taken.attributed,
        )))
    }
}

impl Entries {
    fn read_all(&mut self, chunk: &[u8], base: u64, mut offset: u64, mut size: u64) -> (u64, u64) {
        while let Some(at) = offset.checked_sub(base).and_then(|at| usize::try_from(at).ok()) {
            let keys = self.keys.len();
            let Some(next) = self.entry(chunk, base, at) else {
                self.keys.truncate(keys);
                break;
            };
            (offset, size) = next;
        }
        (offset, size)
    }

    /// Read the entry at a place of a chunk, with the extended headers before it.
    ///
    /// Return the offset of the next header and the size that the entry claims; `None`, with nothing but
    /// `keys` changed, if the chunk ends before, or if it is left to Python.
    fn entry(&mut self, chunk: &[u8], base: u64, mut at: usize) -> Option<(u64, u64)> {
        let mut extended = Extended::default();
        let mut meta_read = 0;
        let header = loop {
            let header = chunk.get(at..)?.get(..BLOCK)?;
            at += BLOCK;
            if !is_sound(header) || !has_sound_devices(header) {
                return None;
            }
            let flag = header[TYPEFLAG];
            if matches!(flag, 0 | b'0'..=b'2' | b'5' | b'6') {
                break header;
            }
            let size = octal(&header[SIZE])?;
            if size > MAX_META {
                return None;
            }
            let data = chunk.get(at..)?.get(..usize::try_from(size).ok()?)?;
            match flag {
                b'L' => extended.long_name = until_nul(data),
                b'K' => extended.long_link = until_nul(data),
                b'x' => {
                    let Extended { long_name, long_link, .. } = extended;
                    extended = Extended { long_name, long_link, ..Extended::default() };
                    extended.read(data)?;
                }
                _ => return None,
            }
            meta_read += size;
            at += usize::try_from(size + padding(size)).ok()?;
        };
        let offset = base + at as u64;
        let size = extended.size.or(octal(&header[SIZE])).filter(|&size| size < MAX_SIZE)?;
        octal(&header[SIZE])?;
        let has_content = self.append(header, &extended, size, offset)?;
        self.meta_read += meta_read;
        Some((if has_content { offset + size + padding(size) } else { offset }, size))
    }

    /// Append an entry, if it is not left to Python; return whether it has content.
    fn append(&mut self, header: &[u8], extended: &Extended, size: u64, offset: u64) -> Option<bool> {
        let (directory, name) = name_of(header, extended)?;
        let is_directory = header[TYPEFLAG] == 0 && (name.is_empty() || name.ends_with(b"/"));
        let kind = if is_directory { DIRECTORY } else { header[TYPEFLAG].saturating_sub(b'0') };
        let mode = octal(&header[MODE])? & 0o7777;
        let (uid, gid) = (octal(&header[UID])?, octal(&header[GID])?);
        let uid = u32::try_from(extended.uid.unwrap_or(uid)).ok()?;
        let gid = u32::try_from(extended.gid.unwrap_or(gid)).ok()?;
        let mtime = i64::try_from(octal(&header[MTIME])?).ok()?;
        let (mtime, mtime_ns) = extended.mtime.unwrap_or((mtime, 0));
        let link = match kind {
            HARDLINK | SYMLINK => Some(target_of(header, extended, kind)?),
            _ => None,
        };
        let attributes = if extended.attributes.is_empty() {
            None
        } else {
            Some(*self.shared.get(&attributes_key(extended.attributes.iter().copied()))?)
        };
        let start = self.keys.len();
        clean(directory, &mut self.keys, start)?;
        clean(name, &mut self.keys, start)?;
        let (kind, hidden) = whiteout(&self.keys[start..], kind, size)?;
        if let Some(key) = hidden {
            self.keys.truncate(start);
            self.keys.extend(key);
        }
        // Nothing fails from here on.
        if let Some(target) = link.filter(|_| kind <= SYMLINK) {
            self.linked.push(self.kind.len());
            self.links.push(target);
        }
        if let Some(number) = attributes {
            self.attributed.push((self.kind.len(), number));
        }
        self.keys.push(b'/');
        self.kind.push(kind);
        self.mode.push(u16::try_from(mode).ok()?);
        self.uid.push(uid);
        self.gid.push(gid);
        self.size.push(if kind == FILE { size } else { 0 });
        self.mtime.push(mtime);
        self.mtime_ns.push(mtime_ns);
        self.offset.push(offset);
        Some(kind == FILE)
    }
}

/// The name of an entry, in two parts that a slash would join.
fn name_of<'a>(header: &'a [u8], extended: &Extended<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let long = [extended.long_name, extended.path].into_iter().find(|name| !name.is_empty());
    let (prefix, name) = (until_nul(&header[PREFIX]), until_nul(&header[NAME]));
    match long {
        Some(name) if name.contains(&0) => None,
        Some(name) => Some((b"", name)),
        None if prefix.is_empty() && name.is_empty() => None,
        None if !prefix.is_empty() && &header[MAGIC] != USTAR => None,
        None => Some((prefix, name)),
    }
}

/// The target of a symlink, or the key of a hardlink's; `None` if it is left to Python.
fn target_of(header: &[u8], extended: &Extended, kind: u8) -> Option<Vec<u8>> {
    let long = [extended.long_link, extended.linkpath].into_iter().find(|target| !target.is_empty());
    let target = long.unwrap_or_else(|| until_nul(&header[LINKNAME]));
    if target.len() > MAX_PATH || target.contains(&0) {
        return None;
    }
    if kind == SYMLINK {
        return Some(target.to_vec());
    }
    let mut key = Vec::with_capacity(target.len());
    clean(target, &mut key, 0)?;
    Some(key)
}

/// Append the components of a path to the key that starts at `start`; `None` if one leads up.
fn clean(path: &[u8], keys: &mut Vec<u8>, start: usize) -> Option<()> {
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return None,
            _ => {
                if keys.len() > start {
                    keys.push(0);
                }
                keys.extend_from_slice(part);
            }
        }
    }
    Some(())
}

/// What a key makes of an entry, and another key if it is a whiteout's; `None` if it is left to Python.
fn whiteout(key: &[u8], kind: u8, size: u64) -> Option<(u8, Option<Vec<u8>>)> {
    if key.len() > MAX_PATH
        || (key.len() > MAX_NAME && key.split(|&byte| byte == 0).any(|name| name.len() > MAX_NAME))
    {
        return None;
    }
    let slash = key.iter().rposition(|&byte| byte == 0);
    let name = &key[slash.map_or(0, |slash| slash + 1)..];
    let Some(hidden) = name.strip_prefix(b".wh.") else {
        return Some((kind, None));
    };
    if kind != FILE || size > 0 {
        return None;
    }
    match hidden {
        b".wh..opq" => Some((OPAQUE, Some(key[..slash.unwrap_or(0)].to_vec()))),
        b"" | b"." | b".." => None,
        _ if hidden.starts_with(b".wh.") => None,
        _ => Some((WHITEOUT, Some([&key[..key.len() - name.len()], hidden].concat()))),
    }
}
