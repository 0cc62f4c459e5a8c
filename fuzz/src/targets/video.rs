//! What Wiro's CDN delivers.

use hailuo_worker::mp4::{MAX_READ_BYTES, MAX_READS, Step, Walk};

/// A whole file. Its walk ends, reads only what is there, and finds only numbers that mean something.
pub fn mp4(data: &[u8]) {
    let size = u64::try_from(data.len()).unwrap_or(0);
    let mut walk = Walk::new(size);
    let mut bytes = Vec::new();
    for _ in 0..=MAX_READS {
        match walk.next(bytes) {
            Step::Read { offset, len } => {
                assert!((1..=MAX_READ_BYTES).contains(&len));
                let range = usize::try_from(offset).ok().zip(usize::try_from(len).ok());
                let asked = range.and_then(|(at, len)| data.get(at..at.checked_add(len)?));
                bytes = asked.unwrap_or_else(|| panic!("{len} bytes at {offset} of {size}")).to_vec();
            }
            Step::Done(facts) => {
                assert!(data.get(4..8) == Some(b"ftyp") && data.windows(4).any(|kind| kind == b"moov"));
                assert!(facts.width != Some(0) && facts.width.is_some() == facts.height.is_some());
                assert!(facts.duration_millis != Some(0) && facts.millifps != Some(0));
                return;
            }
            Step::Bad(_) => return,
        }
    }
    panic!("it reads on and on");
}
