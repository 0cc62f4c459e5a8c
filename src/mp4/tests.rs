//! Files that are accepted and files that are not, and what the walk reads of them.

mod files;

use proptest::prelude::*;

use super::*;
use files::{Movie, Run, SizeStyle, boxed, fragment, ftyp, mvex, sized, words};

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

/// The last step of a walk, and the reads before it.
fn walk(file: &[u8]) -> (Step, Vec<(u64, u64)>) {
    let size = len(file);
    let mut walk = Walk::new(size);
    let mut reads = Vec::new();
    let mut bytes = Vec::new();
    loop {
        match walk.next(bytes) {
            Step::Read { offset, len } => {
                assert!((1..=MAX_READ_BYTES).contains(&len) && offset + len <= size, "{offset} {len}");
                let start = usize::try_from(offset).unwrap();
                bytes = file[start..start + usize::try_from(len).unwrap()].to_vec();
                reads.push((offset, len));
                assert!(reads.len() <= usize::try_from(MAX_READS).unwrap());
            }
            end => return (end, reads),
        }
    }
}

fn facts(file: &[u8]) -> Facts {
    match walk(file).0 {
        Step::Done(facts) => facts,
        other => panic!("{other:?}"),
    }
}

fn fault(file: &[u8]) -> Fault {
    match walk(file).0 {
        Step::Bad(fault) => fault,
        other => panic!("{other:?}"),
    }
}

const ORDINARY: Facts =
    Facts { width: Some(1366), height: Some(768), duration_millis: Some(5880), millifps: Some(25_000) };

fn mdat() -> Vec<u8> {
    boxed(b"mdat", &[&[0xff; 5000]])
}

fn ordinary() -> Vec<u8> {
    [ftyp(), Movie::default().moov(), mdat()].concat()
}

#[test]
fn moov_may_be_first_or_last() {
    let moov = Movie::default().moov();
    let (step, reads) = walk(&ordinary());
    assert_eq!((step, reads.len()), (Step::Done(ORDINARY), 2));
    let last = [ftyp(), boxed(b"free", &[]), mdat(), moov.clone()].concat();
    let (step, reads) = walk(&last);
    assert_eq!((step, reads.len()), (Step::Done(ORDINARY), 3));
    let between = [ftyp(), mdat(), moov, mdat()].concat();
    assert_eq!(facts(&between), ORDINARY);
}

#[test]
fn the_sample_is_what_ffprobe_says() {
    let sample = include_bytes!("../../sim/media/sample.mp4");
    let (step, reads) = walk(sample);
    let expected =
        Facts { width: Some(768), height: Some(432), duration_millis: Some(6000), millifps: Some(24_000) };
    assert_eq!((step, reads.len()), (Step::Done(expected), 2));
}

#[test]
fn sizes_may_have_64_bits_or_be_missing() {
    let moov = Movie { is_version_1: true, ..Movie::default() }.moov();
    for style in [SizeStyle::Short, SizeStyle::Large, SizeStyle::ToTheEnd] {
        assert_eq!(facts(&[ftyp(), moov.clone(), sized(style, b"mdat", &[0xff; 99])].concat()), ORDINARY);
    }
    let large = [ftyp(), sized(SizeStyle::Large, b"mdat", &[0xff; 99]), moov.clone()].concat();
    assert_eq!(facts(&large), ORDINARY);
    let to_the_end = [ftyp(), mdat(), sized(SizeStyle::ToTheEnd, b"moov", &moov[8..])].concat();
    assert_eq!(facts(&to_the_end), ORDINARY);
}

#[test]
fn a_cut_file_is_not_accepted_wherever_it_is_cut() {
    let moov = Movie::default().moov();
    for file in [
        ordinary(),
        [ftyp(), boxed(b"free", &[]), mdat(), moov.clone()].concat(),
        [ftyp(), sized(SizeStyle::Large, b"mdat", &[0xff; 300]), moov].concat(),
        fragmented(),
    ] {
        facts(&file);
        for cut in 0..file.len() {
            // Behind a whole fragment, the rest of a fragmented file is not missed.
            if !is_behind_fragment(&file, cut) {
                fault(&file[..cut]);
            }
        }
    }
}

fn is_behind_fragment(file: &[u8], cut: usize) -> bool {
    file[..cut].windows(4).any(|kind| kind == b"moof") && file[cut..].get(4..8) == Some(b"moof")
}

#[test]
fn what_is_missing_is_said() {
    let moov = Movie::default().moov();
    assert_eq!(fault(b""), Fault::NoMovie);
    assert_eq!(fault(b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81"), Fault::NoBox(0));
    assert_eq!(fault(&[moov.clone(), ftyp(), mdat()].concat()), Fault::NoFileType);
    assert_eq!(fault(&[ftyp(), mdat()].concat()), Fault::NoMovie);
    assert_eq!(fault(&[ftyp(), moov.clone()].concat()), Fault::NoMedia);
    let audio = Movie::default().moov_of(&[Movie::default().track(1, *b"soun")], &[]);
    assert_eq!(fault(&[ftyp(), audio, mdat()].concat()), Fault::NoVideoTrack);
    let file = ordinary();
    assert_eq!(fault(&file[..file.len() - 1]), Fault::TooLong(len(&file) - 5008));
    let end = len(&file);
    for junk in [&[0; 1][..], &[0; 1000], b"junk", b"\0\0\0\x07free", b"\0\0\0\x08\x01\x02\x03\x04"] {
        assert_eq!(fault(&[&file[..], junk].concat()), Fault::NoBox(end), "{junk:?}");
    }
    assert_eq!(fault(&[&file[..], b"<!doctype html>"].concat()), Fault::TooLong(end));
    // A file of two mdat boxes that was cut between them.
    let at = moov.windows(4).position(|kind| kind == b"stco").unwrap() + 12;
    let chunk_in_second = [&moov[..at], &words(&[90_000]), &moov[at + 4..]].concat();
    assert_eq!(fault(&[ftyp(), chunk_in_second, mdat()].concat()), Fault::MissingSamples(90_000));
}

#[test]
fn hostile_sizes_end_the_walk() {
    let start = ftyp();
    let at = len(&start);
    let with = |header: &[u8]| [&start[..], header, &[0; 64]].concat();
    for header in [&b"\0\0\0\x02mdat"[..], b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x0f"] {
        assert_eq!(fault(&with(header)), Fault::NoBox(at));
    }
    for header in [&b"\xff\xff\xff\xffmdat"[..], b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff"] {
        assert_eq!(fault(&with(header)), Fault::TooLong(at));
    }
    let beyond_container = boxed(b"moov", &[b"\0\0\x10\0trak"]);
    assert_eq!(fault(&with(&beyond_container)), Fault::TooLong(at + 8));
    // Containers within containers of their own kind are not entered.
    let deep = (0..10_000).fold(Vec::new(), |inner, _| boxed(b"trak", &[&inner]));
    assert_eq!(fault(&[ftyp(), boxed(b"moov", &[&deep]), mdat()].concat()), Fault::NoVideoTrack);
    let many = boxed(b"free", &[]).repeat(1_000_000);
    assert_eq!(fault(&[ftyp(), many.clone()].concat()), Fault::TooManyReads);
    let (step, reads) = walk(&[ftyp(), boxed(b"moov", &[&many]), mdat()].concat());
    assert_eq!((step, reads.len()), (Step::Bad(Fault::NoVideoTrack), 124));
    // Tables that claim more entries than there are.
    let endless = Movie { times: vec![(u32::MAX, u32::MAX)], ..Movie::default() }.track(1, *b"vide");
    let at = endless.windows(4).position(|kind| kind == b"stts").unwrap() + 8;
    let endless = [&endless[..at], &words(&[u32::MAX]), &endless[at + 4..]].concat();
    facts(&[ftyp(), Movie::default().moov_of(&[endless], &[]), mdat()].concat());
}

#[test]
fn numbers_that_a_file_does_not_say_are_missing() {
    let of = |movie: &Movie| facts(&[ftyp(), movie.moov(), mdat()].concat());
    let silent = Movie { width: 0, height: 9, mvhd: (0, 7), mdhd: (0, 7), ..Movie::default() };
    assert_eq!(of(&silent), Facts::default());
    let without_movie = Movie { mvhd: (1000, u64::from(u32::MAX)), ..Movie::default() };
    assert_eq!(of(&without_movie), ORDINARY);
    let with_samples_only = Movie { mdhd: (12_800, 0), mvhd: (1000, 0), ..Movie::default() };
    assert_eq!(of(&with_samples_only), ORDINARY);
    let absurd = Movie { mvhd: (1, u64::MAX - 1), mdhd: (1, u64::MAX), is_version_1: true, ..silent };
    assert_eq!(of(&absurd).duration_millis, Some(75_264_000));
}

#[test]
fn rates_are_means_in_thousandths() {
    for (timescale, times, millifps) in [
        (30_000, vec![(151, 1001)], 29_970),
        (24_000, vec![(144, 1001)], 23_976),
        (90_000, vec![(1, 3000), (1, 6000)], 20_000),
        (1, vec![(60, 1)], 1000),
    ] {
        let movie = Movie { times, mdhd: (timescale, 1), ..Movie::default() };
        assert_eq!(facts(&[ftyp(), movie.moov(), mdat()].concat()).millifps, Some(millifps));
    }
}

fn fragmented() -> Vec<u8> {
    let empty = Movie { mvhd: (1000, 0), mdhd: (12_800, 0), times: Vec::new(), ..Movie::default() };
    let tracks = [empty.track(1, *b"soun"), empty.track(2, *b"vide")];
    let moov = empty.moov_of(&tracks, &mvex(2, 512));
    let fragments = [
        fragment(2, None, &Run::Default(47)),
        fragment(1, None, &Run::Default(99)),
        fragment(2, Some(256), &Run::Default(100)),
        fragment(2, None, &Run::Each(vec![256; 100])),
    ];
    [ftyp(), moov, fragments.concat()].concat()
}

#[test]
fn fragments_are_added_up() {
    let (step, reads) = walk(&fragmented());
    // 47 frames of 40 ms and 200 of 20 ms.
    let expected = Facts { duration_millis: Some(5880), millifps: Some(42_007), ..ORDINARY };
    assert_eq!((step, reads.len()), (Step::Done(expected), 9));
    let behind_moof = fragmented().windows(4).rposition(|kind| kind == b"mdat").unwrap() - 4;
    assert_eq!(fault(&fragmented()[..behind_moof]), Fault::NoMedia);
    let first_in_moov = Movie { times: vec![(47, 512)], mdhd: (12_800, 47 * 512), ..Movie::default() };
    let moov = first_in_moov.moov_of(&[first_in_moov.track(1, *b"vide")], &mvex(1, 0));
    let rest = fragment(1, Some(512), &Run::Default(100));
    assert_eq!(facts(&[ftyp(), moov, mdat(), rest].concat()), ORDINARY);
}

#[test]
fn a_missing_read_is_not_waited_for() {
    let mut walk = Walk::new(100);
    assert_eq!(walk.next(Vec::new()), Step::Read { offset: 0, len: 48 });
    assert_eq!(walk.next(vec![0; 47]), Step::Bad(Fault::MissingBytes));
}

fn any_extra() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![Just(b"free"), Just(b"udta"), Just(b"\xa9nam"), Just(b"uuid"), Just(b"meta")];
    let large = prop_oneof![9 => 0..100_usize, 1 => 0..100_000_usize];
    let one = (kind, large).prop_map(|(kind, len)| boxed(kind, &[&vec![0xff; len]]));
    prop::collection::vec(one, 0..3).prop_map(|boxes| boxes.concat())
}

prop_compose! {
    fn any_movie()(
        width in 1..=u16::MAX,
        height in 1..=u16::MAX,
        (seconds, ticks) in (1..=u32::MAX, 1..u32::MAX),
        timescale in 1..1_000_000_u32,
        times in prop::collection::vec((1..1_000_u32, 1..100_000_u32), 1..20),
        is_version_1 in any::<bool>(),
        extra in any_extra(),
    ) -> Movie {
        let mvhd = (seconds, u64::from(ticks));
        Movie { width, height, mvhd, mdhd: (timescale, 1), times, is_version_1, extra }
    }
}

fn rounded(dividend: u128, divisor: u128) -> Option<u64> {
    let number = (dividend * 1000 + divisor / 2) / divisor;
    u64::try_from(number).ok().filter(|number| *number > 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_is_read(
        movie in any_movie(),
        between in [any_extra(), any_extra()],
        is_first in any::<bool>(),
        has_sound in any::<bool>(),
        is_large in any::<bool>(),
        media_len in 100..200_000_usize,
    ) {
        let sound = Movie { width: 1, height: 1, times: vec![(9, 9)], ..movie.clone() }.track(1, *b"soun");
        let tracks = if has_sound { vec![sound, movie.track(2, *b"vide")] } else { vec![movie.track(2, *b"vide")] };
        let moov = movie.moov_of(&tracks, b"\0\0\0\0");
        let style = if is_large { SizeStyle::Large } else { SizeStyle::Short };
        let mdat = sized(style, b"mdat", &vec![0xff; media_len]);
        let [before, after] = between;
        let outer = if is_first { [moov, after, mdat] } else { [mdat, after, moov] };
        let front = [ftyp(), before].concat();
        let file = [front.clone(), outer.concat()].concat();
        let (step, reads) = walk(&file);

        let count = movie.times.iter().map(|(count, _)| u128::from(*count)).sum::<u128>();
        let ticks: u128 = movie.times.iter().map(|(count, each)| u128::from(*count) * u128::from(*each)).sum();
        let movie_time = rounded(movie.mvhd.1.into(), movie.mvhd.0.into());
        let shortest = rounded(1, movie.mdhd.0.into()).or_else(|| rounded(ticks, movie.mdhd.0.into()));
        prop_assert_eq!(step, Step::Done(Facts {
            width: Some(movie.width.into()),
            height: Some(movie.height.into()),
            duration_millis: movie_time.or(shortest),
            millifps: rounded(count * u128::from(movie.mdhd.0), ticks),
        }));

        // Of the samples no more is seen than the reads of headers reach into them.
        let mdat_at = file.windows(8).position(|bytes| bytes.ends_with(b"mdat") && bytes[0] == 0).unwrap();
        let mdat_at = len(&file[..mdat_at]);
        let samples = mdat_at + 16..mdat_at + 8 + u64::try_from(media_len).unwrap();
        let seen: u64 = reads.iter().map(|(at, len)| {
            (at + len).min(samples.end).saturating_sub(*at.max(&samples.start))
        }).sum();
        prop_assert!(seen <= 32, "{seen} bytes of samples in {reads:?}");
        prop_assert!(reads.len() < 40, "{} reads", reads.len());
    }

    #[test]
    fn any_bytes_end_the_walk(mut bytes in prop::collection::vec(any::<u8>(), 0..300), is_ftyp in any::<bool>()) {
        if is_ftyp {
            bytes = [ftyp(), bytes].concat();
        }
        walk(&bytes);
    }

    #[test]
    fn a_changed_byte_ends_it_too(at in any::<prop::sample::Index>(), byte in any::<u8>(), is_whole in any::<bool>()) {
        let mut file = if is_whole { ordinary() } else { fragmented() };
        let at = at.index(file.len());
        file[at] = byte;
        walk(&file);
    }
}
