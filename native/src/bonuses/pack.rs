//! `MessagePack`, as far as a bonus's lines and room need it: each number in the fewest bytes.

/// No room said.
pub const NOTHING: u8 = 0xc0;

/// A number.
pub fn whole(number: u64, to: &mut Vec<u8>) {
    match number {
        0..=0x7f => to.push(number as u8),
        0x80..=0xff => to.extend_from_slice(&[0xcc, number as u8]),
        0x100..=0xffff => {
            to.push(0xcd);
            to.extend_from_slice(&(number as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            to.push(0xce);
            to.extend_from_slice(&(number as u32).to_be_bytes());
        }
        _ => {
            to.push(0xcf);
            to.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// A list of numbers, of fewer than 65,536.
pub fn list(numbers: &[u32], to: &mut Vec<u8>) -> Option<()> {
    let count = u16::try_from(numbers.len()).ok()?;
    if count < 16 {
        to.push(0x90 | count as u8);
    } else {
        to.push(0xdc);
        to.extend_from_slice(&count.to_be_bytes());
    }
    for number in numbers {
        whole(u64::from(*number), to);
    }
    Some(())
}
