//! Writes one flat JSON object, key by key. Doesn't know what it means.

use std::fmt::Display;
use std::io::Write as _;
use std::time::Duration;

use super::base64;

/// A JSON object that is being written to the end of a buffer.
///
/// Nothing here can fail: a buffer takes everything.
pub(super) struct Object<'a> {
    buffer: &'a mut Vec<u8>,
}

impl<'a> Object<'a> {
    /// Begins a new object.
    pub(super) fn begin(buffer: &'a mut Vec<u8>) -> Self {
        buffer.push(b'{');
        Self { buffer }
    }

    /// Goes on with a copy of one that has been begun elsewhere.
    pub(super) fn resume(buffer: &'a mut Vec<u8>, beginning: &[u8]) -> Self {
        buffer.extend_from_slice(beginning);
        Self { buffer }
    }

    /// Ends the object and the line that it is on.
    pub(super) fn end_line(&mut self) {
        self.buffer.extend_from_slice(b"}\n");
    }

    pub(super) fn string(&mut self, key: &str, value: &str) -> &mut Self {
        self.key(key);
        // Fails only if the buffer or the value does, and a string does not.
        let _ = serde_json::to_writer(&mut *self.buffer, value);
        self
    }

    /// A value's text as a string.
    pub(super) fn display(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.string(key, &value.to_string())
    }

    /// An integer.
    pub(super) fn number(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.key(key);
        let _ = write!(self.buffer, "{value}");
        self
    }

    /// A duration in seconds, to the microsecond.
    pub(super) fn seconds(&mut self, key: &str, value: Duration) -> &mut Self {
        self.number(key, format_args!("{}.{:06}", value.as_secs(), value.subsec_micros()))
    }

    pub(super) fn truth(&mut self, key: &str) -> &mut Self {
        self.number(key, true)
    }

    /// A string that may be no UTF-8; if so, `KEY_base64` has it byte for byte.
    pub(super) fn bytes(&mut self, key: &str, value: &[u8]) -> &mut Self {
        if let Ok(text) = std::str::from_utf8(value) {
            return self.string(key, text);
        }
        self.string(key, &String::from_utf8_lossy(value));
        self.key(&format!("{key}_base64"));
        self.buffer.push(b'"');
        base64::encode(value, self.buffer);
        self.buffer.push(b'"');
        self
    }

    /// An array of objects.
    pub(super) fn objects<T>(
        &mut self,
        key: &str,
        values: &[T],
        mut write: impl FnMut(&T, &mut Object<'_>),
    ) -> &mut Self {
        self.key(key);
        self.buffer.push(b'[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.buffer.push(b',');
            }
            write(value, &mut Object::begin(self.buffer));
            self.buffer.push(b'}');
        }
        self.buffer.push(b']');
        self
    }

    /// Keys are ours and need no escape.
    fn key(&mut self, key: &str) {
        if !self.buffer.ends_with(b"{") {
            self.buffer.push(b',');
        }
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(key.as_bytes());
        self.buffer.extend_from_slice(b"\":");
    }
}
