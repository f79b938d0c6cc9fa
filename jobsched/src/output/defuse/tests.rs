//! What may reach a terminal, and what is made of the rest.

use super::*;
use crate::output::testing::Random;

fn shown(bytes: impl AsRef<[u8]>) -> String {
    let mut out = Vec::new();
    line(bytes.as_ref(), &mut out);
    String::from_utf8(out).unwrap()
}

fn labelled(bytes: impl AsRef<[u8]>) -> String {
    let mut out = Vec::new();
    label(bytes.as_ref(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn printable_text_stays_as_it_is() {
    for text in ["", "plain ASCII \t~", "naïve — 漢字 👩\u{200d}🚀 ✔\u{fe0f}", &"x".repeat(1000)]
    {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn colours_are_left_out() {
    assert_eq!(shown("\x1b[01;31m\x1b[Kerror:\x1b[m\x1b[K no \x1b[38:2::1:2:3mgo"), "error: no go");
    assert_eq!(shown("\x1b[0m"), "");
}

#[test]
fn other_sequences_are_shown_and_do_nothing() {
    assert_eq!(shown("\x1b[2J\x1b[1;1Hgone"), "^[[2J^[[1;1Hgone");
    assert_eq!(shown("\x1b]0;title\x07"), "^[]0;title^G");
    assert_eq!(shown("\x1b[31"), "^[[31", "incomplete");
    assert_eq!(shown("\x1b"), "^[");
}

#[test]
fn control_characters_are_shown_with_a_caret() {
    assert_eq!(shown("a\0b\x08\x7f\tc"), "a^@b^H^?\tc");
    assert_eq!(shown("\u{9b}2J\u{85}"), "\\u{9b}2J\\u{85}");
}

#[test]
fn characters_that_reorder_or_hide_are_shown_by_number() {
    assert_eq!(shown("if \u{202e}x\u{2066} ü"), "if \\u{202e}x\\u{2066} ü");
    for hidden in ['\u{200b}', '\u{200f}', '\u{feff}', '\u{ad}', '\u{2029}', '\u{e0041}'] {
        assert_eq!(shown(hidden.to_string()), format!("\\u{{{:x}}}", u32::from(hidden)));
    }
}

#[test]
fn bytes_that_are_no_utf8_are_replaced() {
    assert_eq!(shown(b"a\xffb\xc3"), "a\u{fffd}b\u{fffd}");
    assert_eq!(shown(b"\x9b2J"), "\u{fffd}2J", "a bare C1 byte");
    assert_eq!(shown(b"\xe4\xbd\xa0\xe4\xbd!"), "你\u{fffd}!");
}

#[test]
fn the_carriage_return_of_a_line_end_is_left_out() {
    assert_eq!(shown("text\r"), "text");
    assert_eq!(shown("text\r\r"), "text");
    assert_eq!(shown("\r"), "");
}

#[test]
fn of_a_progress_bar_the_last_state_is_shown() {
    assert_eq!(shown("10%\r50%\r100%"), "100%");
    assert_eq!(shown("50%\r100%\r\x1b[K"), "100%");
    assert_eq!(shown("working\r       \r"), "working");
    assert_eq!(shown("\r\x1b[2K"), "");
    assert_eq!(shown("a\r\x1b[A"), "^[[A", "a sequence that is shown is visible");
}

#[test]
fn a_label_hides_nothing() {
    assert_eq!(labelled("a\rb\n\tc\x1b[31m\u{202e}"), "a^Mb^J^Ic^[[31m\\u{202e}");
    assert_eq!(labelled(b"/tmp/\xff"), "/tmp/\u{fffd}");
}

#[test]
fn every_deceptive_character_is_found_in_a_text() {
    for character in '\u{80}'..=char::MAX {
        let text = format!("漢{character}");
        assert_eq!(has_deceptive(&text), is_deceptive(character), "{character:?}");
        assert_eq!(is_harmless(text.as_bytes()), !is_deceptive(character));
    }
}

#[test]
fn harmless_text_is_exactly_what_would_not_be_changed() {
    assert!(is_harmless(b"") && is_harmless(b"a\tb\n ~\n"));
    for byte in 0..=255_u8 {
        let mut text = vec![b'x'; 600];
        text[555] = byte;
        let harmless = byte == b'\n' || (byte.is_ascii() && shown(&text).as_bytes() == text);
        assert_eq!(is_harmless(&text), harmless, "{byte:#x}");
    }
}

#[test]
fn whatever_comes_in_nothing_that_acts_goes_out() {
    let mut random = Random::new(11);
    let parts: [&[u8]; 12] = [
        b"\x1b[",
        b"1",
        b";",
        b"m",
        b"K",
        b"\r",
        b"\xe2\x80",
        b"\xae",
        b"\xc2",
        b"\x9b",
        b"\n",
        b"abcdefghijklmnopqrstuvwxyz0123456789",
    ];
    for _ in 0..5000 {
        let bytes: Vec<u8> =
            (0..random.below(20)).flat_map(|_| parts[random.below(12)]).copied().collect();
        for text in [shown(&bytes), labelled(&bytes)] {
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{bytes:?}");
        }
    }
}
