//! What an upgrade must not take away. Knows only names.

use std::collections::BTreeSet;

use super::BodyError;

/// Refuses an upgrade of generation `number` that would remove something indispensable: in unstable and testing it does
/// happen that gcc could only be upgraded by removing it.
pub(super) fn check(
    removed: &BTreeSet<String>,
    indispensable: &BTreeSet<String>,
    number: u32,
) -> Result<(), BodyError> {
    let packages: Vec<String> = removed.intersection(indispensable).cloned().collect();
    if packages.is_empty() {
        return Ok(());
    }
    Err(BodyError::WouldRemove { packages, number })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_is_indispensable_must_not_go_and_is_named() {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let removed = set(&["gcc", "gcc-12", "libc6-dev"]);
        assert!(check(&removed, &set(&["make"]), 3).is_ok());
        let error = check(&removed, &set(&["gcc", "libc6-dev", "make"]), 3).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the upgrade would remove gcc, libc6-dev, which the chroot needs: generation 3 stays as it is; \
             wait for the archive to offer them again, or take them out of `include' if they are in there"
        );
    }
}
