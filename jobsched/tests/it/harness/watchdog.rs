//! Ends the tests if one hangs, as a hang is the failure that tests of this kind have.

use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigHandler, Signal, signal};

/// Far more than any test takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(600);

/// The signals that tests send, or have the kernel send.
const TESTED: [Signal; 9] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGCHLD,
    Signal::SIGCONT,
    Signal::SIGTSTP,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

/// When a test last did something that it tells of here.
static LAST: Mutex<Option<Instant>> = Mutex::new(None);

/// Begins to watch, if nobody has yet, and is a sign of life.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    ONCE.call_once(|| {
        // Whoever runs this in the background, or without a terminal, may have some of them ignored, and
        // what is ignored stays so in all programs that are started from here.
        for number in TESTED {
            // SAFETY: the default disposition runs no code of ours.
            #[expect(unsafe_code)]
            unsafe { signal(number, SigHandler::SigDfl) }.unwrap();
        }
        std::thread::spawn(|| {
            while let Some(left) = left() {
                std::thread::sleep(left);
            }
            eprintln!("a test hangs: nothing has happened for {PATIENCE:?}");
            std::process::abort();
        });
    });
}

/// For how long there has to be a sign of life; none if it is too late.
fn left() -> Option<Duration> {
    let last = (*LAST.lock().unwrap_or_else(PoisonError::into_inner))?;
    PATIENCE.checked_sub(last.elapsed()).filter(|left| !left.is_zero())
}
