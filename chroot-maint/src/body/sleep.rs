//! The job that waits.

use std::{
    io::{self, Write},
    thread,
};

use crate::spec::Nap;

/// Says so, waits, and says so, the last without newline: a reader must cope with such lines.
pub(super) fn sleep(nap: &Nap, stdout: &mut impl Write) -> io::Result<()> {
    writeln!(stdout, "Sleeping for {}s...", nap.seconds())?;
    stdout.flush()?;
    thread::sleep(nap.duration());
    write!(stdout, "Done.")?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use crate::spec::Nap;

    #[test]
    fn it_says_what_it_does() {
        let mut said = Vec::new();
        super::sleep(&Nap::new("0.01", "x").unwrap(), &mut said).unwrap();
        assert_eq!(said, b"Sleeping for 0.01s...\nDone.");
    }
}
