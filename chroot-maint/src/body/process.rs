//! This process and its children: limits, running a tool to its end, and what it said last.

use std::{
    env,
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    process::{Command, Output, Stdio},
    thread,
};

use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    stat::{Mode, umask},
};

use super::{BodyError, interrupt};

/// Gives this process, and so its children, a file mode mask that suits a system's files, few
/// descriptors (old tools close every possible one before an exec), no core dumps, and a current directory that
/// cannot vanish or be closed to the ids of a user namespace: tools complain about those.
pub(crate) fn settle() -> io::Result<()> {
    env::set_current_dir("/")?;
    umask(Mode::from_bits_truncate(0o022));
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, soft.min(1024), hard.min(4096))?;
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, hard)?;
    Ok(())
}

/// Runs a tool and gives its standard output; `what` says in an error what it was to do. A signal ends it.
pub(super) fn output(what: &'static str, mut command: Command) -> Result<Vec<u8>, BodyError> {
    let start = |source| BodyError::Start { what, source };
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (stdout, stderr) = interrupt::start(what, &mut command).map_err(start)?;
    let stderr = thread::Builder::new().spawn(move || read_all(stderr)).map_err(start)?;
    let stdout = read_all(stdout);
    let stderr = stderr.join().unwrap_or_else(|_| Ok(Vec::new()));
    let status = interrupt::wait().map_err(start)?;
    let output = Output { status, stdout: stdout.map_err(start)?, stderr: stderr.map_err(start)? };
    result(what, output)
}

/// The same, with something to read from a file and another one for what comes out.
pub(super) fn filter(
    what: &'static str,
    mut command: Command,
    input: File,
    output: File,
) -> Result<(), BodyError> {
    let start = |source| BodyError::Start { what, source };
    command.stdin(input).stdout(output).stderr(Stdio::piped());
    let (_, stderr) = interrupt::start(what, &mut command).map_err(start)?;
    let stderr = read_all(stderr);
    let status = interrupt::wait().map_err(start)?;
    let stderr = stderr.map_err(start)?;
    if status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&stderr);
    // The first complaint is the cause, what follows its effects; but a full disk has effects before it is named.
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let full = lines.clone().find(|line| line.contains("No space left on device"));
    let said = full.or_else(|| lines.next()).unwrap_or("it said nothing").to_owned();
    let mut all = Ending::default();
    all.add(&stderr);
    Err(BodyError::Step { what, status, said, output: all.text() })
}

/// A file that is gone when it is closed, to read from.
pub(super) fn file_of(bytes: &[u8]) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    io::Seek::rewind(&mut file)?;
    Ok(file)
}

/// As [`output`], to put things in order: a signal does not keep it from that.
pub(super) fn clean_up(what: &'static str, mut command: Command) -> Result<Vec<u8>, BodyError> {
    let output = command.output().map_err(|source| BodyError::Start { what, source })?;
    result(what, output)
}

fn read_all(pipe: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn result(what: &'static str, output: Output) -> Result<Vec<u8>, BodyError> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = if output.stderr.trim_ascii().is_empty() { &output.stdout } else { &output.stderr };
    let said = last_line(&String::from_utf8_lossy(said));
    let mut all = Ending::default();
    all.add(&output.stdout);
    all.add(b"\n");
    all.add(&output.stderr);
    Err(BodyError::Step { what, status: output.status, said, output: all.text() })
}

/// As [`output`], with something to read.
pub(super) fn feed(
    what: &'static str,
    mut command: Command,
    input: &[u8],
) -> Result<(), BodyError> {
    let start = |source| BodyError::Start { what, source };
    // A file needs no second thread to write while the tool reads or writes.
    command.stdin(file_of(input).map_err(start)?);
    output(what, command).map(drop)
}

/// Runs a tool whose standard error is passed on line by line; an error holds the first line that
/// `tells` picks, or the last of all: the first complaint is the cause, what follows its effects.
pub(super) fn relay(
    what: &'static str,
    mut command: Command,
    tells: impl Fn(&str) -> bool,
) -> Result<(), BodyError> {
    let start = |source| BodyError::Start { what, source };
    let (_, stderr) = interrupt::start(what, command.stderr(Stdio::piped())).map_err(start)?;
    let (mut telling, mut last, mut all) = (None, String::new(), Ending::default());
    if let Some(stderr) = stderr {
        let mut line = Vec::new();
        let mut stderr = BufReader::new(stderr);
        while stderr.read_until(b'\n', &mut line).map_err(start)? > 0 {
            // Nobody may be there to read; the tool's outcome counts all the same.
            let _ = io::stderr().write_all(&line);
            all.add(&line);
            let text = String::from_utf8_lossy(line.trim_ascii());
            if telling.is_none() && tells(&text) {
                telling = Some(text.into_owned());
            } else if !text.is_empty() {
                last = text.into_owned();
            }
            line.clear();
        }
    }
    let status = interrupt::wait().map_err(start)?;
    if status.success() {
        return Ok(());
    }
    Err(BodyError::Step { what, status, said: telling.unwrap_or(last), output: all.text() })
}

/// Why a tool came to nothing, for those who understand what it says.
pub(super) enum Failure {
    Start(BodyError),
    /// All of its standard error.
    Ended(String),
}

/// Runs a tool whose standard error is passed on and given, whether it fails or not.
pub(super) fn relay_whole(what: &'static str, mut command: Command) -> Result<String, Failure> {
    let start = |source| Failure::Start(BodyError::Start { what, source });
    let (_, stderr) = interrupt::start(what, command.stderr(Stdio::piped())).map_err(start)?;
    let mut said = Vec::new();
    if let Some(mut stderr) = stderr {
        let mut chunk = [0; 4096];
        loop {
            let count = stderr.read(&mut chunk).map_err(start)?;
            if count == 0 {
                break;
            }
            // Nobody may be there to read; the tool's outcome counts all the same.
            let _ = io::stderr().write_all(&chunk[..count]);
            said.extend_from_slice(&chunk[..count]);
        }
    }
    let status = interrupt::wait().map_err(start)?;
    let said = String::from_utf8_lossy(&said).into_owned();
    if status.success() { Ok(said) } else { Err(Failure::Ended(said)) }
}

/// The end of what a tool said: all of it, unless that is very much.
#[derive(Default)]
struct Ending(Vec<u8>);

impl Ending {
    /// More than any tool says in a day that goes well.
    const MOST: usize = 1 << 20;

    fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * Self::MOST {
            self.0.drain(..self.0.len() - Self::MOST);
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

fn last_line(text: &str) -> String {
    text.lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{BodyError, Ending, feed, output, relay};

    /// One process runs one tool at a time, whereas tests run side by side.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_says_the_last_line_of_the_error_output() {
        let _alone = ONE_AT_A_TIME.lock();
        let error =
            output("test", sh("echo out; echo first >&2; echo last >&2; exit 3")).unwrap_err();
        assert_eq!(error.to_string(), "test: exit status: 3: last");
        let error = output("test", sh("echo out; exit 1")).unwrap_err();
        assert_eq!(error.to_string(), "test: exit status: 1: out");
    }

    #[test]
    fn a_telling_line_counts_before_the_last_one() {
        let _alone = ONE_AT_A_TIME.lock();
        let error = relay(
            "test",
            sh("echo 'E: why' >&2; echo 'E: so' >&2; echo bye >&2; exit 1"),
            |line| line.starts_with("E: "),
        );
        assert_eq!(error.unwrap_err().to_string(), "test: exit status: 1: E: why");
    }

    #[test]
    fn a_failure_has_all_that_was_said() {
        let _alone = ONE_AT_A_TIME.lock();
        for error in [
            output("test", sh("echo a; echo b >&2; exit 1")).unwrap_err(),
            relay("test", sh("echo a >&2; echo b >&2; exit 1"), |_| false).unwrap_err(),
        ] {
            let BodyError::Step { output, .. } = error else { panic!("{error}") };
            assert_eq!(output.split_whitespace().collect::<Vec<_>>(), ["a", "b"]);
        }
    }

    #[test]
    fn of_very_much_the_end_is_kept() {
        let mut ending = Ending::default();
        for _ in 0..3 {
            ending.add(&vec![b'x'; Ending::MOST]);
        }
        ending.add(b"end");
        assert!(ending.text().ends_with("xend"));
        assert!(ending.text().len() <= 2 * Ending::MOST);
    }

    #[test]
    fn input_is_read_to_its_end() {
        let _alone = ONE_AT_A_TIME.lock();
        feed("test", sh("[ \"$(cat)\" = hello ]"), b"hello").unwrap();
    }
}
