//! Extended headers (POSIX.1-2017, pax): the records that most entries with one have.

use std::collections::BTreeMap;

/// What the headers before an entry say of it. An empty name or target counts as none.
#[derive(Default)]
pub struct Extended<'a> {
    /// Of a GNU header; counts before `path`.
    pub long_name: &'a [u8],
    /// Of a GNU header; counts before `linkpath`.
    pub long_link: &'a [u8],
    pub path: &'a [u8],
    pub linkpath: &'a [u8],
    pub size: Option<u64>,
    pub uid: Option<u64>,
    pub gid: Option<u64>,
    /// Seconds and nanoseconds.
    pub mtime: Option<(i64, u32)>,
    /// Names and values of extended attributes, in the order of their records.
    pub attributes: Vec<(&'a [u8], &'a [u8])>,
}

/// Records that change an entry in a way that is left to Python.
const LEFT_OUT: [&[u8]; 3] = [b"LIBARCHIVE.xattr.", b"RHT.security.selinux", b"GNU.sparse."];
/// Keys whose values have no NUL; of the others the key has none.
const NAMES: [&[u8]; 4] = [b"path", b"linkpath", b"uname", b"gname"];
const ATTRIBUTE: &[u8] = b"SCHILY.xattr.";
const MAX_DIGITS: usize = 20;
const MAX_TIME: i64 = 1 << 62;

impl<'a> Extended<'a> {
    /// Read `LENGTH KEY=VALUE\n` records; `None` if one is malformed or left to Python.
    pub fn read(&mut self, mut data: &'a [u8]) -> Option<()> {
        while data.iter().any(|&byte| byte != 0) {
            let space = data.iter().take(MAX_DIGITS).position(|&byte| byte == b' ')?;
            let length = usize::try_from(number(&data[..space])?).ok()?;
            let (record, rest) = data.split_at_checked(length)?;
            let text = record.get(space + 1..)?.strip_suffix(b"\n")?;
            let equals = text.iter().position(|&byte| byte == b'=')?;
            self.record(&text[..equals], &text[equals + 1..])?;
            data = rest;
        }
        Some(())
    }

    fn record(&mut self, key: &'a [u8], value: &'a [u8]) -> Option<()> {
        let is_empty = value.is_empty();
        if (if NAMES.contains(&key) { value } else { key }).contains(&0) {
            return None;
        }
        match key {
            b"path" => self.path = value,
            b"linkpath" => self.linkpath = value,
            b"size" if is_empty => self.size = None,
            b"size" => self.size = Some(number(value)?),
            b"uid" if is_empty => self.uid = None,
            b"uid" => self.uid = Some(number(value)?),
            b"gid" if is_empty => self.gid = None,
            b"gid" => self.gid = Some(number(value)?),
            b"mtime" if is_empty => self.mtime = None,
            b"mtime" => self.mtime = Some(time(value)?),
            _ if LEFT_OUT.iter().any(|prefix| key.starts_with(prefix)) => return None,
            _ => {
                if let Some(name) = key.strip_prefix(ATTRIBUTE).filter(|_| !is_empty) {
                    self.attributes.push((name, value));
                }
            }
        }
        Some(())
    }
}

/// Attributes as one key: sorted by name, and of those with the same name the last.
pub fn attributes_key<'a>(attributes: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let by_name: BTreeMap<&[u8], &[u8]> = attributes.into_iter().collect();
    let parts = by_name.into_iter().flat_map(|(name, value)| [name, value]);
    parts.flat_map(|part| part.len().to_ne_bytes().into_iter().chain(part.iter().copied())).collect()
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    i64::try_from(value).is_ok().then_some(value)
}

/// Seconds, perhaps with a fraction and negative, as seconds and nanoseconds above them.
fn time(value: &[u8]) -> Option<(i64, u32)> {
    let (is_negative, value) = value.strip_prefix(b"-").map_or((false, value), |rest| (true, rest));
    let mut parts = value.splitn(2, |&byte| byte == b'.');
    let seconds = i64::try_from(number(parts.next()?)?).ok()?;
    let fraction = parts.next().unwrap_or_default();
    if seconds >= MAX_TIME || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().copied().chain(std::iter::repeat(b'0'));
    let nanoseconds = digits.take(9).fold(0, |sum, digit| 10 * sum + u32::from(digit - b'0'));
    Some(match (is_negative, nanoseconds) {
        (false, _) => (seconds, nanoseconds),
        (true, 0) => (-seconds, 0),
        (true, _) => (-seconds - 1, 1_000_000_000 - nanoseconds),
    })
}
