//! The job that always fails, to see what becomes of those that do.

use std::io::{self, Write};

/// The exit status of the job.
pub(super) const STATUS: u8 = 69;

/// Fifty lines of output and one of error.
pub(super) fn fail(stdout: &mut impl Write, stderr: &mut impl Write) -> io::Result<()> {
    for line in 1..=50 {
        writeln!(stdout, "line {line} of 50 before the failure")?;
    }
    stdout.flush()?;
    writeln!(stderr, "this job always fails")
}

#[cfg(test)]
mod tests {
    #[test]
    fn fifty_lines_and_one() {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        super::fail(&mut stdout, &mut stderr).unwrap();
        let lines = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().lines().count();
        assert_eq!((lines(stdout), lines(stderr)), (50, 1));
    }
}
