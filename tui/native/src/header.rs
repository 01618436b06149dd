//! Fields of a tar header: the parts of `layertui/layers/tar/header.py` that most entries need.

use std::ops::Range;

pub const BLOCK: usize = 512;
pub const NAME: Range<usize> = 0..100;
pub const MODE: Range<usize> = 100..108;
pub const UID: Range<usize> = 108..116;
pub const GID: Range<usize> = 116..124;
pub const SIZE: Range<usize> = 124..136;
pub const MTIME: Range<usize> = 136..148;
pub const CHECKSUM: Range<usize> = 148..156;
pub const TYPEFLAG: usize = 156;
pub const LINKNAME: Range<usize> = 157..257;
pub const MAGIC: Range<usize> = 257..263;
/// Major and minor number; not in v7.
const DEVICE: [Range<usize>; 2] = [329..337, 337..345];
pub const PREFIX: Range<usize> = 345..500;
pub const USTAR: &[u8] = b"ustar\0";
const GNU: &[u8] = b"ustar ";
const LANES: usize = 16;

/// The text of a field.
pub fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Bytes up to the next block.
pub fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// An octal number with NULs and blanks around it; `None` for anything else, base 256 too.
pub fn octal(field: &[u8]) -> Option<u64> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !is_blank(byte));
    let text = until_nul(&field[start.unwrap_or(field.len())..]);
    let end = text.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
    text[..end].iter().try_fold(0, |number, &byte| match byte {
        b'0'..=b'7' => Some(number << 3 | u64::from(byte - b'0')),
        _ => None,
    })
}

/// Whether the device numbers are octal, as they have to be in every header that has them.
pub fn has_sound_devices(header: &[u8]) -> bool {
    ![USTAR, GNU].contains(&&header[MAGIC]) || DEVICE.into_iter().all(|field| octal(&header[field]).is_some())
}

/// Whether the checksum is the sum of the header's bytes, its own counted as blanks.
pub fn is_sound(header: &[u8]) -> bool {
    // Lanes, which the compiler adds side by side: every byte of every header is added.
    let mut lanes = [0u16; LANES];
    for part in header[..BLOCK].chunks_exact(LANES) {
        for (lane, &byte) in lanes.iter_mut().zip(part) {
            *lane += u16::from(byte);
        }
    }
    let sum: u64 = lanes.into_iter().map(u64::from).sum();
    let own: u64 = header[CHECKSUM].iter().map(|&byte| u64::from(byte)).sum();
    let blanks = CHECKSUM.len() as u64 * u64::from(b' ');
    octal(&header[CHECKSUM]) == Some(sum - own + blanks)
}
