//! Ends the tests if one hangs, as a hang is the failure that tests of this kind have.

use std::sync::Once;
use std::time::Duration;

use nix::sys::signal::{SigHandler, Signal, signal};

/// Far more than all tests together take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Begins to watch, if nobody has yet.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Whoever runs this in the background may have these ignored, and what is ignored stays so in
        // all programs that are started from here.
        for number in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP] {
            // SAFETY: the default disposition runs no code of ours.
            #[expect(unsafe_code)]
            unsafe { signal(number, SigHandler::SigDfl) }.unwrap();
        }
        std::thread::spawn(|| {
            std::thread::sleep(PATIENCE);
            eprintln!("a test hangs: giving up after {PATIENCE:?}");
            std::process::abort();
        });
    });
}
