//! Writing to a descriptor that may be non-blocking. Doesn't know what is written.

use std::io::{self, Write};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A writer that hands everything to a descriptor at once, and waits where the descriptor would not.
///
/// A standard output that somebody else has made non-blocking, such as a terminal shared with a
/// program of that kind, gives `EAGAIN` to ordinary writers, and they lose what they had. This one
/// waits until there is room. It changes no flag of the descriptor, which others may share.
///
/// ```
/// use jobsched::report::Unbuffered;
/// use std::io::Write as _;
///
/// let mut err = Unbuffered::new(std::io::stderr());
/// write!(err, "")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Unbuffered<F> {
    descriptor: F,
}

impl<F: AsFd> Unbuffered<F> {
    /// Writes to this descriptor: a file, a pipe, a socket, `io::stdout()`.
    ///
    /// What a buffer of its own holds is left there: flush it first.
    pub fn new(descriptor: F) -> Self {
        Self { descriptor }
    }
}

impl<F: AsFd> Write for Unbuffered<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match nix::unistd::write(&self.descriptor, bytes) {
                Err(Errno::EAGAIN) => {}
                result => return Ok(result?),
            }
            let mut room = [PollFd::new(self.descriptor.as_fd(), PollFlags::POLLOUT)];
            match poll(&mut room, PollTimeout::NONE) {
                // If it isn't room but an error, the next write says which.
                Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;

    use nix::fcntl::{FcntlArg, OFlag, fcntl};

    use super::*;
    use crate::testing::pipe;

    fn non_blocking(writer: File) -> File {
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        writer
    }

    #[test]
    fn a_full_non_blocking_pipe_is_waited_for() {
        let (mut reader, writer) = pipe();
        let writer = non_blocking(writer);
        let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let received = std::thread::scope(|scope| {
            let received = scope.spawn(move || {
                let mut received = Vec::new();
                reader.read_to_end(&mut received).unwrap();
                received
            });
            Unbuffered::new(writer).write_all(&bytes).unwrap();
            received.join().unwrap()
        });
        assert!(received == bytes);
    }

    #[test]
    fn a_closed_pipe_is_an_error_even_if_it_was_full() {
        let (reader, writer) = pipe();
        let mut writer = Unbuffered::new(non_blocking(writer));
        let capacity = writer.write(&vec![0; 1 << 20]).unwrap();
        assert!(capacity < 1 << 20);
        drop(reader);
        let error = writer.write_all(&[0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
