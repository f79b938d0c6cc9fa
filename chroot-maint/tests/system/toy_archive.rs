//! The program with the toy archive: what takes half a minute with Debian's takes two seconds with it. Root and an
//! ordinary user alike.

use std::{fmt::Write as _, fs, path::PathBuf};

use crate::{
    caller::{Caller, run},
    toy::{Fault, Package, Server, Toy},
};

/// A config whose only chroots are the toy's.
pub(crate) fn config(toy: &Toy, server: &Server, dists: &[&str]) -> String {
    let mut text = format!(
        "retries = 0\nproxy = 'DIRECT'\n[defaults]\ninclude = ['hello']\nmirror = '{}'\n",
        server.address()
    );
    writeln!(text, "keyring = '{}'", toy.keyring().display()).unwrap();
    for dist in dists {
        writeln!(text, "[dist.{dist}]\nsuites = ['toy']").unwrap();
    }
    text
}

/// The toy with its base and a package `hello`, and a server for it.
pub(crate) fn archive() -> (Toy, Server) {
    let mut toy = Toy::new();
    toy.add_base();
    toy.add("toy", &Package::new("hello", "1").file("/usr/share/hello", "1\n"));
    toy.publish();
    let server = Server::start(&toy.root());
    (toy, server)
}

fn tree(caller: &Caller, dist: &str) -> PathBuf {
    let name = format!("{dist}-{}", crate::toy::host_arch());
    caller.state().join("chroots").join(name).join("current")
}

fn what_one_chroot_fetched_the_next_one_has(caller: &Caller) {
    let (toy, server) = archive();
    let config = config(&toy, &server, &["toy", "toy-backports"]);
    let toy_only = ["-q", "chroot", "toy"];
    run(&mut caller.chroot_maint_with(&config, &toy_only));
    let fetched = |ending: &str| {
        let requests = server.take_requests();
        requests.iter().filter(|request| request.path.ends_with(ending)).count()
    };
    assert_eq!(fetched(".deb"), 4, "toy-base, apt, build-essential, hello");
    let said = run(&mut caller.chroot_maint_with(&config, &["all"])).stdout;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("nothing has changed"), "{said}");
    assert!(said.contains("4 of the packages that can be had are in the cache"), "{said}");
    let requests = server.take_requests();
    let paths: Vec<_> = requests.iter().map(|request| &*request.path).collect();
    assert_eq!(paths, ["/dists/toy/InRelease"], "once for the run, and no package");
    for dist in ["toy", "toy-backports"] {
        let tree = tree(caller, dist);
        let find = |what: &[&str]| {
            // As root: some directories are for apt's user alone.
            let mut find = std::process::Command::new("find");
            run(find.arg(tree.join("var")).args(what)).stdout
        };
        assert_eq!(find(&["-name", "*.deb"]), b"", "packages are left in the tree");
        assert_eq!(find(&["-name", "*_Packages"]), b"", "lists are left in the tree");
        assert!(tree.join("usr/share/hello").exists());
    }
}

#[test]
fn what_one_of_roots_chroots_fetched_the_next_one_has() {
    what_one_chroot_fetched_the_next_one_has(&Caller::root());
}

#[test]
fn what_one_of_a_users_chroots_fetched_the_next_one_has() {
    what_one_chroot_fetched_the_next_one_has(&Caller::ordinary_user());
}

#[test]
fn an_archive_that_is_looked_at_is_looked_at_once_for_all_chroots() {
    let (toy, server) = archive();
    let caller = Caller::root();
    let config = config(&toy, &server, &["toy", "toy-backports", "toy-updates"]);
    run(&mut caller.chroot_maint_with(&config, &["-q", "-j3", "all"]));
    let requests = server.take_requests();
    let count = |ending| requests.iter().filter(|request| request.path.ends_with(ending)).count();
    assert_eq!(count("InRelease"), 1);
    assert!(tree(&caller, "toy-updates").join("usr/share/hello").exists());
}

#[test]
fn a_mirror_that_fails_is_the_reason_and_leaves_nothing() {
    let (toy, server) = archive();
    let caller = Caller::root();
    let config = config(&toy, &server, &["toy"]);
    server.break_files("InRelease", Fault::Broken);
    let output = caller.chroot_maint_with(&config, &["all"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the mirror has a fault"), "{said}");
    server.mend();
    server.break_files("hello_1_all.deb", Fault::NotFound);
    let output = caller.chroot_maint_with(&config, &["all"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    server.take_requests();
    server.mend();
    run(&mut caller.chroot_maint_with(&config, &["all"]));
    let requests = server.take_requests();
    let in_pool = requests.iter().filter(|request| request.path.starts_with("/pool/")).count();
    assert_eq!(in_pool, 1, "the others were kept: {requests:?}");
    assert_eq!(fs::read_dir(caller.state().join("archive")).unwrap().count(), 1);
}
