//! Files written box by box.

/// How the size of a box is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeStyle {
    Short,
    Large,
    ToTheEnd,
}

pub fn sized(style: SizeStyle, kind: &[u8], content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap();
    let mut bytes = match style {
        SizeStyle::Short => [&(len + 8).to_be_bytes()[..], kind].concat(),
        SizeStyle::Large => [&1_u32.to_be_bytes()[..], kind, &u64::from(len + 16).to_be_bytes()].concat(),
        SizeStyle::ToTheEnd => [&0_u32.to_be_bytes()[..], kind].concat(),
    };
    bytes.extend(content);
    bytes
}

pub fn boxed(kind: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    sized(SizeStyle::Short, kind, &parts.concat())
}

/// 32-bit numbers.
pub fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

pub fn ftyp() -> Vec<u8> {
    boxed(b"ftyp", &[b"isom\0\0\x02\0isomiso2avc1mp41"])
}

#[derive(Clone, Debug)]
pub struct Movie {
    pub width: u16,
    pub height: u16,
    /// Of `mvhd`: timescale and ticks.
    pub mvhd: (u32, u64),
    /// Of `mdhd`: timescale and ticks.
    pub mdhd: (u32, u64),
    /// Counts and durations of `stts`.
    pub times: Vec<(u32, u32)>,
    /// Whether the boxes have 64-bit durations.
    pub is_version_1: bool,
    /// What else the containers hold, in front of the rest.
    pub extra: Vec<u8>,
}

impl Default for Movie {
    fn default() -> Self {
        Self {
            width: 1366,
            height: 768,
            mvhd: (1000, 5880),
            mdhd: (12_800, 75_264),
            times: vec![(147, 512)],
            is_version_1: false,
            extra: Vec::new(),
        }
    }
}

impl Movie {
    fn duration(&self, (timescale, ticks): (u32, u64)) -> Vec<u8> {
        if self.is_version_1 {
            let start = words(&[1 << 24, 0, 0, 0, 0, timescale]);
            return [start, ticks.to_be_bytes().to_vec(), words(&[0; 20])].concat();
        }
        words(&[[0, 0, 0, timescale, u32::try_from(ticks).unwrap()].as_slice(), &[0; 20]].concat())
    }

    fn track_header(&self, id: u32) -> Vec<u8> {
        let pixels = [u32::from(self.width) << 16, u32::from(self.height) << 16];
        let start = if self.is_version_1 {
            words(&[1 << 24, 0, 0, 0, 0, id, 0, 0, 0])
        } else {
            words(&[0, 0, 0, id, 0, 0])
        };
        boxed(b"tkhd", &[&start, &words(&[0; 13]), &words(&pixels)])
    }

    /// A `trak`.
    pub fn track(&self, id: u32, handler: [u8; 4]) -> Vec<u8> {
        let entry = [
            words(&[0]),
            b"avc1".to_vec(),
            words(&[0, 1, 0, 0, 0, 0]),
            self.width.to_be_bytes().to_vec(),
            self.height.to_be_bytes().to_vec(),
            vec![0; 50],
        ];
        let stsd = boxed(b"stsd", &[&words(&[0, 1]), &entry.concat()]);
        let times: Vec<u32> = self.times.iter().flat_map(|(count, duration)| [*count, *duration]).collect();
        let count = u32::try_from(self.times.len()).unwrap();
        let stts = boxed(b"stts", &[&words(&[0, count]), &words(&times)]);
        let stco = boxed(b"stco", &[&words(&[0, 1, 40])]);
        let stbl = boxed(b"stbl", &[&self.extra, &stsd, &stts, &stco]);
        let minf = boxed(b"minf", &[&boxed(b"hdlr", &[&words(&[0, 0]), b"alis"]), &stbl]);
        let mdhd = boxed(b"mdhd", &[&self.duration(self.mdhd)]);
        let hdlr = boxed(b"hdlr", &[&words(&[0, 0]), &handler, &[0; 13]]);
        let mdia = boxed(b"mdia", &[&mdhd, &hdlr, &self.extra, &minf]);
        boxed(b"trak", &[&self.extra, &self.track_header(id), &mdia])
    }

    /// The `moov` of these tracks.
    pub fn moov_of(&self, tracks: &[Vec<u8>], behind: &[u8]) -> Vec<u8> {
        let mvhd = boxed(b"mvhd", &[&self.duration(self.mvhd)]);
        boxed(b"moov", &[&self.extra, &mvhd, &tracks.concat(), behind])
    }

    pub fn moov(&self) -> Vec<u8> {
        self.moov_of(&[self.track(1, *b"vide")], &[])
    }
}

/// A fragment: `moof` and `mdat`. The samples of `track` have these durations, or the default so many times.
pub fn fragment(track: u32, own_default: Option<u32>, samples: &Run) -> Vec<u8> {
    let tfhd = match own_default {
        // With a base offset and a description index in front.
        Some(duration) => words(&[0xb, track, 0, 0, 1, duration]),
        None => words(&[0, track]),
    };
    let trun = match samples {
        Run::Default(count) => words(&[1, *count, 0]),
        Run::Each(durations) => {
            let count = u32::try_from(durations.len()).unwrap();
            let mut numbers = vec![0x705, count, 0, 0];
            numbers.extend(durations.iter().flat_map(|duration| [*duration, 7, 8]));
            words(&numbers)
        }
    };
    let traf = boxed(b"traf", &[&boxed(b"tfhd", &[&tfhd]), &boxed(b"trun", &[&trun])]);
    let moof = boxed(b"moof", &[&boxed(b"mfhd", &[&words(&[0, 1])]), &traf]);
    [moof, boxed(b"mdat", &[&[0xff; 100]])].concat()
}

pub enum Run {
    Default(u32),
    Each(Vec<u32>),
}

/// `mvex` with the default duration of a track.
pub fn mvex(track: u32, duration: u32) -> Vec<u8> {
    boxed(b"mvex", &[&boxed(b"trex", &[&words(&[0, track, 1, duration, 0, 0])])])
}
