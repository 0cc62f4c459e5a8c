//! Walks a file's boxes without I/O: it says which bytes it needs, and is given them.
//!
//! At the top level it reads headers only, 16 bytes at a time; inside of `moov` and `moof`, which hold no samples, up to
//! 64 KiB at a time and only where a needed box is. `moov` may come first or last. In fragmented files it adds up the
//! samples of every `trun`. The work is bounded by the number of reads: every step goes forward in the file.

use super::boxes::{
    Fault, HEADER_BYTES, Header, Kind, LARGE_HEADER_BYTES, Size, size_and_kind, u32_at, u64_at,
};
use super::facts::Facts;
use super::found::Found;
use super::track::{self, FIELDS_BYTES, Run, RunEntries, Samples, Track};

/// Limit on the reads of one file. An ordinary file takes two or three, a fragmented one two for each fragment.
pub const MAX_READS: u32 = 800;
/// Limit on one read.
pub const MAX_READ_BYTES: u64 = 64 * 1024;

/// The first read: the usual `ftyp` of 32 bytes and the header after it.
const FIRST_READ_BYTES: u64 = 32 + LARGE_HEADER_BYTES;
/// Version, flags and the number of entries of a table.
const TABLE_HEADER_BYTES: u64 = 8;
/// An entry of `stts`: count and duration.
const TIME_ENTRY_BYTES: u64 = 8;
/// What is read of an entry.
const MAX_FIELD_BYTES: u64 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read these bytes of the file and go on with them.
    Read { offset: u64, len: u64 },
    /// The file is complete.
    Done(Facts),
    /// The file is not accepted.
    Bad(Fault),
}

/// Why the walk stops for now.
enum Pause {
    Read { offset: u64, len: u64 },
    Bad(Fault),
}

impl From<Fault> for Pause {
    fn from(fault: Fault) -> Self {
        Self::Bad(fault)
    }
}

type Result<T> = std::result::Result<T, Pause>;

/// A walk through one file.
pub struct Walk {
    /// Of the file.
    size: u64,
    /// Where the next box starts.
    at: u64,
    /// The boxes that contain it, the outermost first.
    containers: Vec<Header>,
    /// The bytes of the last read, and where they start.
    window: (u64, Vec<u8>),
    /// The length of the last read.
    asked: u64,
    reads: u32,
    /// A table that is being read.
    table: Option<Table>,
    found: Found,
}

/// What is left of a table.
#[derive(Clone, Copy)]
struct Table {
    at: u64,
    count: u64,
    /// Bytes of each entry.
    stride: u64,
    kind: TableKind,
}

#[derive(Clone, Copy)]
enum TableKind {
    /// `stts` of the current track.
    Times,
    /// Durations in a `trun` of the video track.
    Run,
    /// `stco` or `co64`: where chunks of samples start in the file.
    Offset,
}

impl Walk {
    /// `size` is the file's, in bytes.
    #[must_use]
    pub fn new(size: u64) -> Self {
        Self {
            size,
            at: 0,
            containers: Vec::new(),
            window: (0, Vec::new()),
            asked: 0,
            reads: 0,
            table: None,
            found: Found::default(),
        }
    }

    /// Goes on with the bytes that the last step asked for; at first with none.
    pub fn next(&mut self, bytes: Vec<u8>) -> Step {
        if u64::try_from(bytes.len()) != Ok(self.asked) {
            return Step::Bad(Fault::MissingBytes);
        }
        self.window.1 = bytes;
        match self.walk() {
            Ok(facts) => Step::Done(facts),
            Err(Pause::Bad(fault)) => Step::Bad(fault),
            Err(Pause::Read { .. }) if self.reads == MAX_READS => Step::Bad(Fault::TooManyReads),
            Err(Pause::Read { offset, len }) => {
                self.reads += 1;
                self.window.0 = offset;
                self.asked = len;
                Step::Read { offset, len }
            }
        }
    }

    fn walk(&mut self) -> Result<Facts> {
        loop {
            self.read_table()?;
            self.leave_containers();
            let container = self.containers.last().copied();
            let limit = container.map_or(self.size, |container| container.end);
            if container.is_none() && self.at == self.size {
                return Ok(self.found.facts()?);
            }
            if container.is_some() && limit - self.at < HEADER_BYTES {
                // Padding, with which some programs end a list of boxes.
                self.at = limit;
                continue;
            }
            let header = self.header(limit)?;
            match container {
                Some(container) => self.read_inner(container.kind, header)?,
                None => self.read_outer(header)?,
            }
        }
    }

    fn leave_containers(&mut self) {
        while let Some(container) = self.containers.pop_if(|container| container.end == self.at) {
            if &container.kind == b"trak" {
                self.found.leave_track();
            }
        }
    }

    /// The header of the next box.
    fn header(&self, limit: u64) -> Result<Header> {
        let start = self.at;
        if limit - start < HEADER_BYTES {
            return Err(Fault::NoBox(start).into());
        }
        let bytes = self.bytes(start, HEADER_BYTES)?;
        let (size, kind) = size_and_kind(bytes.first_chunk().copied().ok_or(Fault::MissingBytes)?);
        let (header_bytes, size) = match size {
            Size::Bytes(bytes) => (HEADER_BYTES, bytes),
            Size::ToTheEnd => (HEADER_BYTES, limit - start),
            Size::Large if limit - start < LARGE_HEADER_BYTES => return Err(Fault::NoBox(start).into()),
            Size::Large => {
                let bytes = self.bytes(start, LARGE_HEADER_BYTES)?;
                let size = u64_at(bytes, 8).ok_or(Fault::MissingBytes)?;
                (LARGE_HEADER_BYTES, size)
            }
        };
        Ok(Header::new(kind, start, header_bytes, size, limit)?)
    }

    /// A box at the top level.
    fn read_outer(&mut self, header: Header) -> Result<()> {
        if header.start == 0 && &header.kind != b"ftyp" {
            return Err(Fault::NoFileType.into());
        }
        match &header.kind {
            // Of two, the first counts, as it does for players.
            b"moov" if !self.found.has_movie => {
                self.found.has_movie = true;
                self.enter(header);
            }
            b"moof" => {
                self.found.has_media = false;
                self.enter(header);
            }
            b"mdat" => {
                self.found.has_media = true;
                self.at = header.end;
            }
            _ => self.at = header.end,
        }
        Ok(())
    }

    /// A box in a container of this kind. Only the containers on the way to needed fields are entered, so no file nests
    /// them deeper than they are here.
    fn read_inner(&mut self, container: Kind, header: Header) -> Result<()> {
        match (&container, &header.kind) {
            (b"moov", b"trak" | b"mvex")
            | (b"trak", b"mdia")
            | (b"mdia", b"minf")
            | (b"minf", b"stbl")
            | (b"moof", b"traf") => {
                if &header.kind == b"trak" {
                    self.found.track = Track::default();
                }
                self.found.fragment = None;
                self.enter(header);
                return Ok(());
            }
            (b"moov", b"mvhd") => self.found.movie = track::duration(self.fields(header)?),
            (b"trak", b"tkhd") => self.with_track(header, Track::read_header)?,
            (b"mdia", b"hdlr") => self.with_track(header, Track::read_handler)?,
            (b"mdia", b"mdhd") => self.found.track.media = track::duration(self.fields(header)?),
            (b"stbl", b"stsd") => self.with_track(header, Track::read_description)?,
            (b"stbl", b"stts") => {
                let count = track::entry_count(self.fields(header)?);
                self.table =
                    Table::new(header, TABLE_HEADER_BYTES, TIME_ENTRY_BYTES, count, TableKind::Times);
            }
            (b"stbl", b"stco") => self.table = self.last_offset(header, 4)?,
            (b"stbl", b"co64") => self.table = self.last_offset(header, 8)?,
            (b"mvex", b"trex") => {
                let default = track::track_default(self.fields(header)?);
                self.found.add_default(default);
            }
            (b"traf", b"tfhd") => {
                let fragment = track::fragment_header(self.fields(header)?);
                self.found.fragment = fragment.and_then(|(id, default)| self.found.default_of(id, default));
            }
            (b"traf", b"trun") => {
                if let (Some(run), Some(default)) = (track::run(self.fields(header)?), self.found.fragment) {
                    self.read_run(header, run, default);
                }
            }
            _ => {}
        }
        self.at = header.end;
        Ok(())
    }

    /// The samples of a `trun` of the video track.
    fn read_run(&mut self, header: Header, run: Run, default: u32) {
        if let Some(RunEntries { at, stride }) = run.durations {
            self.table = Table::new(header, at, stride, run.count, TableKind::Run);
        } else {
            self.found.fragments = self.found.fragments.and(Samples::equal(run.count, default));
        }
    }

    fn enter(&mut self, header: Header) {
        self.containers.push(header);
        self.at = header.body;
    }

    fn with_track(&mut self, header: Header, read: impl FnOnce(&mut Track, &[u8])) -> Result<()> {
        let mut track = self.found.track;
        read(&mut track, self.fields(header)?);
        self.found.track = track;
        Ok(())
    }

    /// The beginning of a box's content, as far as fields are read of it.
    fn fields(&self, header: Header) -> Result<&[u8]> {
        let len = (header.end - header.body).min(FIELDS_BYTES);
        let header_bytes = header.body - header.start;
        // The header is needed again after a read.
        let bytes = self.bytes(header.start, header_bytes + len)?;
        Ok(usize::try_from(header_bytes).ok().and_then(|skip| bytes.get(skip..)).unwrap_or_default())
    }

    /// The last entry of a table of chunk offsets.
    fn last_offset(&self, header: Header, stride: u64) -> Result<Option<Table>> {
        let count = track::entry_count(self.fields(header)?);
        let all = Table::new(header, TABLE_HEADER_BYTES, stride, count, TableKind::Offset);
        Ok(all.filter(|table| table.count > 0).map(|table| Table {
            at: table.at + (table.count - 1) * stride,
            count: 1,
            ..table
        }))
    }

    fn read_table(&mut self) -> Result<()> {
        while let Some(Table { at, count, stride, kind }) = self.table
            && count > 0
        {
            let entry = self.bytes(at, stride.min(MAX_FIELD_BYTES))?;
            match kind {
                TableKind::Times => {
                    let samples = Samples::equal(field(entry, 0), field(entry, 4));
                    self.found.track.samples = self.found.track.samples.and(samples);
                }
                TableKind::Run => {
                    let samples = Samples::equal(1, field(entry, 0));
                    self.found.fragments = self.found.fragments.and(samples);
                }
                TableKind::Offset => {
                    let offset = u64_at(entry, 0).unwrap_or_else(|| u64::from(field(entry, 0)));
                    if offset >= self.size {
                        return Err(Fault::MissingSamples(offset).into());
                    }
                }
            }
            self.table = Some(Table { at: at + stride, count: count - 1, stride, kind });
        }
        self.table = None;
        Ok(())
    }

    /// Bytes of the file, which must not reach beyond its end.
    fn bytes(&self, offset: u64, len: u64) -> Result<&[u8]> {
        let (start, window) = &self.window;
        let range = || {
            let first = usize::try_from(offset.checked_sub(*start)?).ok()?;
            Some(first..first.checked_add(usize::try_from(len).ok()?)?)
        };
        match range().and_then(|range| window.get(range)) {
            Some(bytes) => Ok(bytes),
            None => Err(Pause::Read { offset, len: self.read_length(offset, len) }),
        }
    }

    /// How much to read where `needed` bytes are missing: in a `moov` or `moof` all of it and the header behind it, as far
    /// as one read may go.
    fn read_length(&self, offset: u64, needed: u64) -> u64 {
        let wanted = match self.containers.first() {
            Some(outer) => (outer.end - offset).saturating_add(LARGE_HEADER_BYTES).min(MAX_READ_BYTES),
            None if offset == 0 => FIRST_READ_BYTES,
            None => LARGE_HEADER_BYTES,
        };
        wanted.max(needed).min(self.size - offset)
    }
}

impl Table {
    /// As many of `count` entries as the box has, from the byte `at` of its content.
    fn new(header: Header, at: u64, stride: u64, count: u32, kind: TableKind) -> Option<Self> {
        let room = (header.end - header.body).checked_sub(at)? / stride;
        Some(Self { at: header.body + at, count: u64::from(count).min(room), stride, kind })
    }
}

fn field(entry: &[u8], at: usize) -> u32 {
    u32_at(entry, at).unwrap_or(0)
}
