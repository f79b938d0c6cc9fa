//! The number after make's `-l`, as C's `atof` reads it. Doesn't know where it stood.

/// The limit that an argument of `-l` sets; `None` if it sets none.
///
/// make takes what a number can be made of at the beginning and ignores the rest, so that letters
/// are a limit of 0. A negative limit, one that is not a number and an infinite one hold nothing
/// back. Hexadecimal ones, which `atof` would take and make never writes, are the 0 that they begin
/// with.
pub(super) fn limit(argument: &[u8]) -> Option<f64> {
    let text = argument.trim_ascii_start();
    let unsigned = text.strip_prefix(b"+").or(text.strip_prefix(b"-")).unwrap_or(text);
    let is_word = |word: &[u8]| {
        unsigned.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if is_word(b"inf") || is_word(b"nan") {
        return None;
    }
    let number = text.get(..number(text)).and_then(|number| std::str::from_utf8(number).ok());
    let value: f64 = number.and_then(|number| number.parse().ok()).unwrap_or(0.0);
    (value.is_finite() && value >= 0.0).then_some(value)
}

/// How many bytes at the beginning of `text` are a decimal number.
fn number(text: &[u8]) -> usize {
    let sign = |at: usize| usize::from(matches!(text.get(at), Some(b'+' | b'-')));
    let digits = |at: usize| {
        text.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut end = sign(0);
    let mut mantissa = digits(end);
    end += mantissa;
    if text.get(end) == Some(&b'.') {
        mantissa += digits(end + 1);
        end += 1 + digits(end + 1);
    }
    if mantissa == 0 {
        return 0;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let exponent = end + 1 + sign(end + 1);
        if digits(exponent) > 0 {
            end = exponent + digits(exponent);
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_made_a_number_is_one() {
        let table = [
            ("3", 3.0),
            ("+3", 3.0),
            ("3.", 3.0),
            (".5", 0.5),
            ("2.5x7", 2.5),
            ("1e1", 10.0),
            ("1e+09", 1e9),
            ("1e-1", 0.1),
            ("1e", 1.0),
            ("1e+", 1.0),
            ("1e.5", 1.0),
            ("1.2.3", 1.2),
            (" 4", 4.0),
            ("", 0.0),
            (".", 0.0),
            ("-", 0.0),
            ("-x", 0.0),
            ("e5", 0.0),
            ("k", 0.0),
            ("0x10", 0.0),
            ("\u{e9}3", 0.0),
        ];
        for (argument, expected) in table {
            assert_eq!(limit(argument.as_bytes()), Some(expected), "{argument:?}");
        }
    }

    #[test]
    fn what_holds_nothing_back_is_no_limit() {
        for argument in ["-1", "-.5", "inf", "-inf", "Infinity", "nan", "NaN", "-nan", "1e999"] {
            assert_eq!(limit(argument.as_bytes()), None, "{argument:?}");
        }
    }
}
