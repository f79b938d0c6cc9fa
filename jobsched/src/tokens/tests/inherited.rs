//! What can be opened as a pool, what is refused, and that nothing of others is changed.

use std::fs;
use std::io;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::super::inherited::open_pipe;
use super::*;

fn refusal(auth: &Auth) -> TokenError {
    Inherited::open(auth).unwrap_err()
}

fn set_nonblocking(file: &File) {
    fcntl(file, FcntlArg::F_SETFL(flags(file) | OFlag::O_NONBLOCK)).unwrap();
}

#[test]
fn flags_of_the_inherited_description_stay_as_they_are() {
    for nonblocking in [false, true] {
        let pool = Pool::of(b"ab");
        if nonblocking {
            set_nonblocking(&pool.read);
        }
        let before = (flags(&pool.read), flags(&pool.write));
        let mut tokens = pool.tokens();
        acquire_all(&mut tokens);
        assert_eq!(tokens.held(), 2);
        drop(tokens);
        assert_eq!((flags(&pool.read), flags(&pool.write)), before);
    }
}

#[test]
fn our_descriptors_are_closed_on_exec() {
    let pool = Pool::of(b"");
    let inherited = Inherited::open(&pool.auth()).unwrap();
    for file in [&inherited.read, &inherited.write] {
        assert_eq!(fcntl(file, FcntlArg::F_GETFD).unwrap(), nix::libc::FD_CLOEXEC);
        assert!(file.as_raw_fd() > 2);
    }
}

#[test]
fn pipe_that_can_not_be_opened_anew_is_used_only_if_it_does_not_block() {
    let denied = |_: &File, _| Err(io::ErrorKind::PermissionDenied.into());
    let pool = Pool::of(b"ab");
    let (read, write) = (pool.read.as_raw_fd(), pool.write.as_raw_fd());

    let error = open_pipe(read, write, denied).unwrap_err();
    assert!(matches!(error, TokenError::Blocking { fd, .. } if fd == read), "{error:?}");
    assert!(!flags(&pool.read).contains(OFlag::O_NONBLOCK));

    set_nonblocking(&pool.read);
    let before = (flags(&pool.read), flags(&pool.write));
    let (our_read, our_write) = open_pipe(read, write, denied).unwrap();
    let pool_opened = Inherited { auth: pool.auth(), read: our_read, write: our_write };
    let mut tokens = Tokens::inherited(pool_opened, None);
    acquire_all(&mut tokens);
    assert_eq!(tokens.held(), 2);
    assert_waits(&mut tokens);
    drop(tokens);
    assert_eq!(pool.drain(), b"ab");
    assert_eq!((flags(&pool.read), flags(&pool.write)), before);
}

#[test]
fn fifo_is_opened_by_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("GM fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let keeper = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    (&keeper).write_all(b"abc").unwrap();
    let escaped = path.to_str().unwrap().replace(' ', r"\ ");
    let auth = auth(&format!(" -j4 --jobserver-auth=fifo:{escaped}"));

    let mut tokens = Tokens::inherited(Inherited::open(&auth).unwrap(), None);
    acquire_all(&mut tokens);
    assert_eq!(tokens.running(), 4);
    assert_waits(&mut tokens);
    assert_eq!(tokens.to_string(), format!("jobserver {path:?}"));

    let shared = tokens.share().unwrap().unwrap();
    assert!(shared.descriptors().is_empty());
    let same = format!(" --jobserver-auth=fifo:{escaped} -j4");
    assert_eq!(shared.makeflags(OsStr::new(" -j4 --jobserver-auth=9,9")), *same);
    drop(tokens);
    assert_eq!(drain(&keeper), b"abc");
}

#[test]
fn fifo_without_anybody_at_its_other_end_does_not_block() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fifo");
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    let auth = auth(&format!("--jobserver-auth=fifo:{}", path.display()));
    let mut tokens = Tokens::inherited(Inherited::open(&auth).unwrap(), None);
    assert_granted(&mut tokens);
    assert_waits(&mut tokens);
}

#[test]
fn character_device_will_do() {
    let null = auth("--jobserver-auth=fifo:/dev/null");
    let mut tokens = Tokens::inherited(Inherited::open(&null).unwrap(), None);
    assert_granted(&mut tokens);
    assert!(matches!(tokens.acquire(), Grant::Lost(TokenError::EndOfFile)));
}

#[test]
fn terminal_is_refused() {
    let error = refusal(&auth("--jobserver-auth=fifo:/dev/ptmx"));
    assert!(matches!(error, TokenError::NotAPool { kind: "a terminal", .. }), "{error:?}");
}

#[test]
fn regular_file_is_refused_by_number_and_by_path() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let number = file.as_file().as_raw_fd();
    let error = refusal(&Auth::pipe(number, number));
    assert!(matches!(error, TokenError::NotAPool { kind: "a regular file", .. }), "{error:?}");

    file.as_file().write_all(b"ab").unwrap();
    let error = refusal(&auth(&format!("--jobserver-auth=fifo:{}", file.path().display())));
    assert!(matches!(error, TokenError::NotAPool { kind: "a regular file", .. }), "{error:?}");
    assert_eq!(fs::read(file.path()).unwrap(), b"ab");
}

#[test]
fn closed_descriptor_is_refused() {
    let pool = Pool::of(b"");
    for auth in
        [Auth::pipe(i32::MAX, pool.write.as_raw_fd()), Auth::pipe(pool.read.as_raw_fd(), i32::MAX)]
    {
        let error = refusal(&auth);
        assert!(matches!(error, TokenError::Descriptor { fd: i32::MAX, .. }), "{error:?}");
    }
}

#[test]
fn wrong_end_of_a_pipe_is_refused() {
    let pool = Pool::of(b"");
    let (read, write) = (pool.read.as_raw_fd(), pool.write.as_raw_fd());
    let error = refusal(&Auth::pipe(write, write));
    assert!(matches!(error, TokenError::Direction { purpose: "reading", .. }), "{error:?}");
    let error = refusal(&Auth::pipe(read, read));
    assert!(matches!(error, TokenError::Direction { purpose: "writing", .. }), "{error:?}");
}

#[test]
fn warning_is_one_line_that_names_fault_remedy_and_consequence() {
    let table = [
        (
            "--jobserver-auth=-2,-2",
            r#"make says "--jobserver-auth=-2,-2", it keeps the jobserver from this command"#,
        ),
        (
            "--jobserver-auth=sem\\\n",
            r#""--jobserver-auth=sem\\\n" names neither two file descriptors nor a fifo"#,
        ),
        (
            "--jobserver-auth=2147483647,4",
            "failed to use file descriptor 2147483647, which make named as its jobserver: \
             Bad file descriptor (os error 9)",
        ),
        (
            "--jobserver-auth=fifo:/nonexistent/a\\\tb",
            r#"failed to open the jobserver "/nonexistent/a\tb": No such file or directory (os error 2)"#,
        ),
        (
            "--jobserver-auth=fifo:/",
            r#""/" is a directory, not a pipe, a fifo or a character device"#,
        ),
    ];
    for (word, fault) in table {
        let warning = refusal(&auth(word)).warning().to_string();
        let rest = "; running one job at a time; put `+' before the command in the make recipe";
        assert_eq!(warning, format!("jobserver unavailable: {fault}{rest}"));
    }
}
