//! Any way of cutting a stream gives the same lines.

use super::*;
use crate::output::testing::Random;

/// What comes out of these chunks, in order.
fn assemble<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    let mut assembler = Assembler::default();
    for chunk in chunks {
        assembler.push(chunk, |text| texts.push(text.to_vec()));
    }
    assembler.finish(|text| texts.push(text.to_vec()));
    texts
}

/// The same, with lines that came out together taken apart.
fn pieces<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let texts = assemble(chunks);
    texts.iter().flat_map(|text| crate::output::lines(text)).map(<[u8]>::to_vec).collect()
}

#[test]
fn lines_that_lie_whole_in_a_chunk_come_out_together_and_uncopied() {
    let chunk = b"one\ntwo\nthree";
    let mut assembler = Assembler::default();
    let mut seen = Vec::new();
    assembler.push(chunk, |text| seen.push((text.as_ptr(), text.len())));
    assert_eq!(seen, [(chunk.as_ptr(), 8)]);
}

#[test]
fn a_line_cut_by_the_chunks_is_put_together_and_leaves_with_those_that_follow_it() {
    assert_eq!(
        assemble([&b"on"[..], b"e", b"\ntwo\nth", b"ree\n"]),
        [&b"one\ntwo\n"[..], b"three\n"]
    );
}

#[test]
fn many_bytes_after_a_cut_line_are_not_copied() {
    let mut chunk = b"e\n".to_vec();
    chunk.extend(b"two\n".repeat(MAX_JOINED));
    let mut assembler = Assembler::default();
    assembler.push(b"on", |_| unreachable!());
    let mut seen = Vec::new();
    assembler.push(&chunk, |text| seen.push((text.as_ptr(), text.len())));
    assert_eq!((seen[0].1, seen[1].0), (4, chunk[2..].as_ptr()));
}

#[test]
fn a_last_line_without_newline_comes_out_at_the_end_and_an_empty_stream_gives_nothing() {
    assert_eq!(assemble([&b"one\ntwo"[..]]), [&b"one\n"[..], b"two"]);
    assert!(assemble([]).is_empty());
    assert!(assemble([&b""[..]]).is_empty());
}

#[test]
fn empty_lines_and_zero_bytes_are_bytes_like_others() {
    assert_eq!(assemble([&b"\n\n\0"[..], b"\0\n"]), [&b"\n\n"[..], b"\0\0\n"]);
}

#[test]
fn a_line_of_the_greatest_length_stays_whole_and_a_longer_one_goes_out_in_pieces() {
    let mut line = vec![b'x'; MAX_LINE];
    line.push(b'\n');
    assert_eq!(assemble([&line[..]]), [&line[..]]);
    line.insert(0, b'x');
    assert_eq!(pieces([&line[..]]), [&line[..MAX_LINE], b"x\n"]);
    assert_eq!(pieces(line.chunks(1000)), [&line[..MAX_LINE], b"x\n"]);
}

#[test]
fn a_piece_does_not_end_within_a_character() {
    for before in MAX_LINE - 4..=MAX_LINE {
        let line = ["x".repeat(before).as_str(), "😀", &"y".repeat(10)].concat();
        let pieces = pieces([line.as_bytes()]);
        assert_eq!(pieces.concat(), line.as_bytes());
        assert!(pieces.iter().all(|piece| std::str::from_utf8(piece).is_ok()), "{before}");
    }
    let no_utf8 = vec![0x80; MAX_LINE + 1];
    assert_eq!(pieces([&no_utf8[..]])[0].len(), MAX_LINE);
}

#[test]
fn what_is_held_is_bounded_and_nothing_is_held_while_idle() {
    let mut assembler = Assembler::default();
    for length in [1, 7, 1000, 65_535, 65_536, 300_000] {
        for _ in 0..5 {
            assembler.push(&vec![b'x'; length], |text| assert!(text.len() <= MAX_LINE));
            assert!(assembler.held.capacity() <= MAX_LINE + 1);
        }
    }
    assembler.push(b"\n", |_| ());
    assert_eq!(assembler.held.capacity(), 0);
}

#[test]
fn any_cut_of_the_same_bytes_gives_the_same_lines_and_pieces() {
    let mut random = Random::new(1);
    for _ in 0..60 {
        let mut bytes = Vec::new();
        for _ in 0..random.below(12) {
            let length = [random.below(3), random.below(200), random.below(200_000)];
            let length = length[random.below(3)];
            let seed = [&b"x"[..], "ä".as_bytes(), "😀".as_bytes(), b"\xff\x80"][random.below(4)];
            bytes.extend(seed.iter().cycle().take(length));
            if random.below(8) > 0 {
                bytes.push(b'\n');
            }
        }
        let whole = pieces([&bytes[..]]);
        assert_eq!(whole.concat(), bytes);
        for scale in [1000, 5000, 100_000, 300_000] {
            let mut chunks = Vec::new();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (chunk, others) = rest.split_at(rest.len().min(random.below(scale)));
                chunks.push(chunk);
                rest = others;
            }
            assert_eq!(pieces(chunks), whole);
        }
    }
}
