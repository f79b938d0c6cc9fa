//! Names for files in the making that say which process makes them: so what a killed one has left can be told from what
//! is about to get its real name, without a lock and without waiting until it is old. Does not know what is written.

use std::{ffi::OsStr, path::Path, process};

/// The beginning of the name of a file that this process makes: `KIND.PID.`
pub(crate) fn prefix(kind: &str) -> String {
    format!("{kind}.{}.", process::id())
}

/// Whether a name begins like this, and the process is gone. Of one whose number another has got since, it is found out
/// some other time.
pub(crate) fn is_abandoned(kind: &str, name: &OsStr) -> bool {
    let maker = || {
        let rest = name.to_str()?.strip_prefix(kind)?.strip_prefix('.')?;
        rest.split('.').next()?.parse::<u32>().ok()
    };
    maker().is_some_and(|maker| !Path::new("/proc").join(maker.to_string()).exists())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::{is_abandoned, prefix};

    #[test]
    fn what_a_process_that_is_gone_began_is_abandoned() {
        // Above any number that Linux gives.
        assert!(is_abandoned(".new", OsStr::new(".new.4194305.abc")));
        assert!(!is_abandoned(".new", OsStr::new(&format!("{}abc", prefix(".new")))));
        for other in ["new.4194305.abc", ".new", ".newer.4194305.abc", ".newabc", ".new.x.abc"] {
            assert!(!is_abandoned(".new", OsStr::new(other)), "{other}");
        }
    }
}
