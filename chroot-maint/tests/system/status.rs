//! What status says while a chroot is made, after the run was killed, and after the next one: root and an ordinary user.

use std::fs;

use crate::{
    caller::{Caller, is_busy, run, wait_until},
    toy::{Fault, Package, Server, Toy, host_arch},
};

fn archive() -> (Toy, Server) {
    let mut toy = Toy::new();
    toy.add_base();
    toy.add("toy", &Package::new("hello", "1"));
    toy.publish();
    let server = Server::start(&toy.root());
    (toy, server)
}

fn config(toy: &Toy, server: &Server, include: &str) -> String {
    format!(
        "proxy = 'DIRECT'\n[defaults]\ninclude = [{include}]\nmirror = '{}'\nkeyring = '{}'\n\
         [dist.toy]\nsuites = ['toy']\n",
        server.address(),
        toy.keyring().display()
    )
}

/// The words of the chroot's row that come after its name, and all that is said.
fn status(caller: &Caller, config: &str) -> (String, String) {
    let said = run(&mut caller.chroot_maint_with(config, &["status", "toy"])).stdout;
    let said = String::from_utf8(said).unwrap();
    let row = said.lines().find(|line| line.starts_with("toy-")).expect(&said);
    let words: Vec<&str> = row.split_whitespace().skip(1).collect();
    (words.join(" "), said)
}

fn status_is_true_whenever_it_is_asked(caller: &Caller) {
    let (toy, server) = archive();
    let (config, more) = (config(&toy, &server, ""), config(&toy, &server, "'hello'"));
    let name = format!("toy-{}", host_arch());
    assert_eq!(status(caller, &config).0, "- - - - - not made yet");
    run(&mut caller.chroot_maint_with(&config, &["-q", "chroot", "toy"]));
    let (_, said) = status(caller, &config);
    assert!(!said.contains(&format!("{name}:")), "nothing more is to be said: {said}");
    let (_, said) = status(caller, &more);
    assert!(said.contains("the config has changed since it was made: include\n"), "{said}");

    // It waits for the mirror in the middle of its work, for as long as is needed here.
    server.break_files(".deb", Fault::Stall);
    let job = format!("chroot.{name}");
    let mut body = caller.chroot_maint_with(&more, &["job", &job]).spawn().unwrap();
    let work = caller.state().join("chroots").join(&name).join("work");
    wait_until("there is a work directory", || fs::read_dir(&work).unwrap().count() > 0);
    let (row, said) = status(caller, &more);
    assert!(row.ends_with("at work"), "{said}");
    assert!(said.contains(&format!("{name}: process {} works on it\n", body.id())), "{said}");

    body.kill().unwrap();
    body.wait().unwrap();
    wait_until("everything in the namespaces is gone", || !is_busy(&work));
    let (row, said) = status(caller, &more);
    assert!(row.starts_with("1 ") && row.ends_with("killed"), "{said}");
    assert!(said.contains("a run was killed"), "{said}");

    server.mend();
    run(&mut caller.chroot_maint_with(&more, &["-q", "chroot", "toy"]));
    let (row, said) = status(caller, &more);
    assert!(row.starts_with("2 ") && !row.ends_with("killed"), "{said}");
    assert!(!said.contains("a run was killed"), "{said}");
}

#[test]
fn of_roots_chroots_status_is_true_whenever_it_is_asked() {
    status_is_true_whenever_it_is_asked(&Caller::root());
}

#[test]
fn of_a_users_chroots_status_is_true_whenever_it_is_asked() {
    status_is_true_whenever_it_is_asked(&Caller::ordinary_user());
}

#[test]
fn an_archive_that_could_not_be_looked_at_is_told_until_it_could() {
    let caller = Caller::root();
    let (toy, server) = archive();
    let config = format!("retries = 0\n{}", config(&toy, &server, ""));
    let name = format!("toy-{}", host_arch());
    let all = || caller.chroot_maint_with(&config, &["-q", "-f", "0s", "all"]).output().unwrap();
    assert_eq!(all().status.code(), Some(0));

    server.break_files("InRelease", Fault::Broken);
    assert_eq!(all().status.code(), Some(2));
    let (row, said) = status(&caller, &config);
    assert!(row.starts_with("1 ") && row.ends_with("failed: mirror"), "{said}");
    assert!(said.contains(&format!("{name}: looking what its archive has failed ")), "{said}");
    for word in ["ago: the mirror has a fault", "\n  -> ", "\n  log: ", "/log/archive.toy-"] {
        assert!(said.contains(word), "no {word}: {said}");
    }

    server.mend();
    assert_eq!(all().status.code(), Some(0));
    // Within the second in which it was made, it counts as made rather than looked at.
    let (row, said) = status(&caller, &config);
    assert!(row.ends_with("checked") || row.ends_with("created"), "{said}");
    assert!(!said.contains("failed"), "{said}");
}
