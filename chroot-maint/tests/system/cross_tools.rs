//! Foreign chroots with the host's tools in them, from the archive's mirror: they answer as emulated ones do, and what is built in them is
//! the same byte for byte, and they stay so whatever packages do.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::caller::{Caller, run};

/// An architecture that few hosts that run these tests have.
const ARCH: &str = "arm64";

/// A foreign chroot that has tools.
struct Chroot<'a> {
    caller: &'a Caller,
    config: String,
    name: String,
}

impl<'a> Chroot<'a> {
    fn make(caller: &'a Caller, dist: &str) -> Self {
        let config = format!("[dist.{dist}]\narchs = ['{ARCH}']\n");
        let chroot = Self { caller, config, name: format!("{dist}-{ARCH}") };
        run(&mut caller.chroot_maint_with(&chroot.config, &["-q", "-j2", "chroot", &chroot.name]));
        chroot
    }

    fn tree(&self) -> PathBuf {
        self.caller.state().join("chroots").join(&self.name).join("current")
    }

    fn generation(&self) -> PathBuf {
        fs::read_link(self.tree()).unwrap()
    }

    /// What a script says in a session of its own, in which everything may be changed.
    fn said_by(&self, script: &str) -> String {
        let words = ["enter", &self.name, "--", "bash", "-euc", script];
        let said = run(&mut self.caller.chroot_maint_with(&self.config, &words)).stdout;
        String::from_utf8(said).unwrap()
    }

    /// Has a script done twice in a session, by the host's programs and by the chroot's own, and gives what each time was
    /// said and left in its directory.
    fn both_ways(&self, script: &str) -> (String, String) {
        let said = self.said_by(&format!(
            "cat >/tmp/script <<'END'\n{script}\nEND\n\
             twice() {{ mkdir /tmp/work; cd /tmp/work; \"$@\" bash -eu /tmp/script 2>&1; \
             find . -type f -exec sha256sum {{}} + | LC_ALL=C sort -k2; cd /; rm -r /tmp/work; }}\n\
             twice env; echo =====; twice env CHROOT_MAINT_EMULATE=1"
        ));
        let (accelerated, emulated) = said.split_once("=====\n").unwrap();
        (accelerated.to_owned(), emulated.to_owned())
    }

    fn does_the_same_both_ways(&self, what: &str, script: &str) {
        let (accelerated, emulated) = self.both_ways(script);
        assert!(emulated.lines().count() > 2, "{what}: {emulated}");
        assert_eq!(accelerated, emulated, "{what}");
    }
}

/// Who asks a chroot what it is.
const ANSWERS: &str = r#"
uname -m; arch; dpkg --print-architecture; getconf LONG_BIT; perl -MConfig -e 'print "$Config{archname} $^X\n"'
dpkg-architecture | sort; dpkg-buildflags; dpkg-vendor --query Vendor
cat >script <<'P'
#!/usr/lib/chroot-maint/perl -w
use Config; use POSIX; use Encode; print "$0 @ARGV $^X $Config{archname} $Config{ptrsize} ", __FILE__, " ", __LINE__, "\n"; warn "warned";
P
chmod +x script; ./script a b
od -An -tx1 -N20 /bin/true
env -i /bin/bash -c 'echo $HOSTTYPE $MACHTYPE $BASH_VERSION'
gcc -dumpmachine; gcc --version; gcc -v 2>&1; gcc -print-search-dirs; gcc -print-prog-name=cc1; gcc -print-file-name=libgcc.a
echo | cpp -v 2>&1; echo | gcc -xc++ -E -v - 2>&1; as --version; ld --version; ld --verbose | head -n 5; ar --version
command -v sed; readlink -f /usr/bin/gcc; type -p bash
"#;

/// Compilers and binutils.
const COMPILES: &str = r#"
export SOURCE_DATE_EPOCH=1000000000
mkdir -p /usr/local/include; echo '#define LOCAL __FILE__' >/usr/local/include/local.h
cat >a.c <<'C'
#include <stdio.h>
#include <math.h>
#include <local.h>
int twice(int n) { return 2 * n; }
int main(int argc, char **argv) { printf("%d %s %s %f\n", twice(argc), LOCAL, __FILE__, sqrt(argc)); return argv[1] != 0; }
C
cat >b.cc <<'C'
#include <iostream>
#include <map>
#include <string>
int main() { std::map<std::string, int> m{{"a", 1}}; try { m.at("b"); } catch (std::out_of_range &e) { std::cout << e.what() << m["a"] << std::endl; } }
C
gcc -O2 -g -c a.c; gcc -O2 -g a.o -lm -o a; ./a; gcc -O0 -S a.c; gcc -E a.c >a.i; gcc -M a.c
g++ -O1 -g -c b.cc; g++ b.o -o b; ./b
gcc -O2 -flto -frandom-seed=a -c a.c -o lto.o; gcc -O2 -flto -frandom-seed=a lto.o -lm -o lto; ./lto; gcc-ar rcs liblto.a lto.o; gcc-nm liblto.a
gcc -shared -fPIC -O2 -Wl,-soname,libt.so.1 -o libt.so.1 a.c -lm; ar rcsD libt.a a.o; ranlib -D libt.a; nm libt.a
cp a stripped; strip stripped; objcopy --only-keep-debug a a.debug; objdump -d a.o; readelf -aW a
! gcc -c none.c; echo 'int x = y;' >wrong.c; ! gcc -c wrong.c
gcc -march=native -c a.c -o native.o; LD_RUN_PATH=/opt gcc a.o -lm -o run; readelf -dW run; gcc -Wl,-Map,map -O2 a.o -lm -o mapped
rm map; ! gcc -fplugin=/none.so -c a.c
"#;

/// Shells and what they start.
const TEXTS: &str = r#"
seq 40 | sed 's/\(.\)$/<\1>/' | sort -r | awk '{ n += length($0) } END { print n, NR }'
for i in 1 2 3; do expr $i \* 7; done; printf '%s\n' b a c | sort | tr a-c A-C; echo $((1 << 40))
sh -c 'set -- x y; shift; echo "$1" "$#" "${1%y}" $0'; bash -c 'a=(1 2 3); echo ${a[@]:1} ${#a[*]} $((2**62)); [[ abc =~ b(.) ]] && echo ${BASH_REMATCH[1]}'
mkdir d; touch -d @1000000000 d/a d/b; echo x >d/c; touch -d @1000000000 d/c d; tar --sort=name --owner=0 --group=0 --mtime=@0 -cf d.tar d
gzip -nk d.tar; xz -k d.tar; bzip2 -k d.tar; sha256sum d.tar.*; find d -type f | LC_ALL=C sort | xargs ls -ln --time-style=+%s
printf 'a: b\n\techo made; cp b a\nb:\n\techo x >b\n' >Makefile; make -j2; make; diff d/c a && cmp d/c b || true
ls /none || :; cat /none || echo "status $?"
LD_PRELOAD=libnone.so sed --version 2>&1 | head -n 2
rm -r d d.tar*
"#;

/// Owners that only fakeroot knows of, set and seen by native and emulated programs in turn.
const FAKEROOT: &str = r#"
cat >inner <<'X'
mkdir d; echo a >d/a; echo b >d/b; chown 33:44 d/a; chmod 4755 d/b; chown 0:60 d/b; mknod d/n c 1 3; ln -s a d/l; chown -h 7:7 d/l
cp -a d e; install -o 6 -g 12 -m 640 d/a d/i; mv d/a d/z; ls -ln --time-style=+ d e; find . -user 33 -printf '%p %U %G %m\n' | sort
stat -c '%n %u %g %a %F' d/*; perl -e 'printf "%s %d %d\n", $_, (stat)[4, 5] for sort glob "d/*"'
tar --sort=name --mtime=@0 -cf x.tar d; tar --numeric-owner -tvf x.tar; rm -rf e d; tar -xf x.tar; ls -ln --time-style=+ d
X
fakeroot sh -e inner; rm -r d; eatmydata sh -c 'echo done; sync'
"#;

/// A package that is built as root, or what it takes for that, with files of others in it.
const PACKAGE: &str = r"
mkdir -p p-1/debian/source; cd p-1
printf 'Source: p\nMaintainer: T <t@test.example>\nRules-Requires-Root: binary-targets\nStandards-Version: 4.7.0\n\nPackage: p\nArchitecture: any\nDescription: x\n y\n' >debian/control
printf 'p (1) unstable; urgency=low\n\n  * x\n\n -- T <t@test.example>  Thu, 01 Jan 2026 00:00:00 +0000\n' >debian/changelog
echo '3.0 (native)' >debian/source/format
cat >debian/rules <<'R'
#!/usr/bin/make -f
build build-arch: ; echo 'int main(void) { return 0; }' >p.c; gcc -O2 -g -Wl,--build-id -ffile-prefix-map=$(CURDIR)=. -o p p.c
binary binary-arch: build
	install -D -o games -g 60 -m 2755 p debian/p/usr/games/p
	install -D -o 33 -g 33 -m 640 p.c debian/p/var/lib/p/p.c
	mkdir debian/p/DEBIAN; dpkg-gencontrol -Pdebian/p; dpkg-deb --build debian/p ..
clean: ; rm -rf p p.c debian/p debian/files
R
chmod +x debian/rules
dpkg-buildpackage -us -uc -b -rfakeroot >../log 2>&1 || { cat ../log; exit 1; }
cd ..; dpkg-deb --contents p_1_*.deb; rm -r p-1 log p_1_*.buildinfo p_1_*.changes
";

/// Another version of sed, made of the one that is there: prints what dpkg says of it.
const REPACK: &str = r#"
repack() {
    rm -rf /tmp/p; mkdir -p /tmp/p/DEBIAN /tmp/p/usr/bin
    dpkg-query --status sed | sed -e '/^Status:/d' -e "s/^Version:.*/Version: $1/" >/tmp/p/DEBIAN/control
    if [ -e /usr/bin/sed.emulated ]; then cp /usr/bin/sed.emulated /tmp/p/usr/bin/sed; else cp /usr/bin/sed /tmp/p/usr/bin; fi
    dpkg-deb --root-owner-group --build /tmp/p /tmp/p.deb >/dev/null
    dpkg --install /tmp/p.deb 2>&1 | grep ^chroot-maint || :
}
"#;

fn packages_may_come_go_and_change(chroot: &Chroot<'_>) {
    let said = chroot.said_by(&format!(
        "{REPACK}\n\
         status() {{ /usr/lib/chroot-maint/switch status | grep ^$1 | cut -f 2,3; dpkg-divert --list | grep -c /$1.emulated || :; }}\n\
         upstream=$(dpkg-query -f '${{source:Upstream-Version}}' -W sed)\n\
         repack 99-1; status sed; repack \"$upstream-99\"; status sed; sed --version | head -n 1 | cut -c -14\n\
         dpkg --remove --force-depends patch >/dev/null 2>&1; status patch; ls /usr/bin/patch* 2>/dev/null || :\n\
         dpkg --audit; echo audited"
    ));
    let lines: Vec<&str> = said.lines().collect();
    let [out, refused, n0, close, is_close, n1, version, patch, n2, audited] = lines.as_slice()
    else {
        panic!("{said}");
    };
    assert!(out.contains("sed, refused: ") && out.ends_with("but sed is 99-1"), "{said}");
    assert!(refused.starts_with("out\trefused: "), "{said}");
    assert!(close.contains("sed, close: ") && is_close.starts_with("in\tclose: "), "{said}");
    assert_eq!((*version, *audited), ("sed (GNU sed) ", "audited"));
    assert!(patch.starts_with("out\tabsent: "), "{said}");
    assert_eq!((*n0, *n1, *n2), ("0", "1", "0"), "{said}");
}

fn switched_off_all_is_the_chroots_own(chroot: &Chroot<'_>) {
    let said = chroot.said_by(
        "machine() { od -An -tx1 -j18 -N2 $1; }\n\
         dpkg --verify; /usr/lib/chroot-maint/switch off; dpkg --verify; find / -xdev -name '*.emulated'\n\
         machine /usr/bin/dash; machine /bin/true; /usr/lib/chroot-maint/switch on; dpkg --verify; machine /usr/bin/dash",
    );
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let [dash_off, untouched, dash_on] = lines.as_slice() else { panic!("{said}") };
    assert_eq!(dash_off, untouched);
    assert_ne!(dash_on, untouched);
}

fn what_has_not_changed_is_not_made_anew(chroot: &Chroot<'_>) {
    let tools = chroot.caller.state().join("cross-tools").join(&chroot.name).join("current");
    let before = fs::read_link(&tools).unwrap();
    run(&mut chroot.caller.chroot_maint_with(&chroot.config, &["-q", "-f0s", "all"]));
    assert_eq!(chroot.generation(), Path::new("gen/1"));
    assert_eq!(fs::read_link(&tools).unwrap(), before);
}

fn without_tools_no_trace_of_them_is_left(chroot: &Chroot<'_>) {
    let config = format!("{}cross-tools = []\n", chroot.config);
    run(&mut chroot.caller.chroot_maint_with(&config, &["-q", "-f0s", "chroot", &chroot.name]));
    assert_eq!(chroot.generation(), Path::new("gen/2"));
    let find = Command::new("find")
        .arg(format!("{}/", chroot.tree().display()))
        .args(["-name", "*.emulated", "-o", "-name", "*chroot-maint*"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&find.stdout), "");
    let diversions = fs::read_to_string(chroot.tree().join("var/lib/dpkg/diversions")).unwrap();
    assert!(!diversions.contains(".emulated"), "{diversions}");
    assert_eq!(chroot.said_by("dpkg --verify; dpkg --audit; gcc -dumpmachine").lines().count(), 1);
}

/// The compiler of a list that wants a package which no archive has.
const LIST: &str = "[[group]]\nname = 'gcc'\ntier = 'compilers'\nsource = 'cross'\nreason = 'a test'\nalso = ['gcc-none-TRIPLET']\n\
                    [[group.replace]]\nfile = '/usr/bin/TRIPLET-gcc-GCCVER'\npackage = 'gcc-GCCVER'\n";

fn without_its_cross_package_a_compiler_stays_emulated(chroot: &Chroot<'_>) {
    let list = chroot.caller.home().join("tools.toml");
    fs::write(&list, LIST).unwrap();
    let config = format!("tool-list = '{}'\n{}", list.display(), chroot.config);
    // Its age alone would be no reason yet.
    let said = run(&mut chroot.caller.chroot_maint_with(&config, &["-n", "all"])).stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("the list of tools changed"), "{said}");

    let config = format!("{config}cross-tools = ['compilers']\n");
    run(&mut chroot.caller.chroot_maint_with(&config, &["-q", "all"]));
    assert_eq!(chroot.generation(), Path::new("gen/2"));
    let said = run(&mut chroot.caller.chroot_maint_with(&config, &["status"])).stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("its own gcc stays: gcc-none-"), "{said}");
    let said = chroot.said_by(
        "echo 'int main() { return 0; }' >/tmp/a.c; gcc -o /tmp/a /tmp/a.c; /tmp/a; dpkg --verify; dpkg --audit\n\
         readlink -f /usr/bin/gcc; ls /usr/bin/*gcc*.emulated || :",
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.trim_end().ends_with("-linux-gnu-gcc-12"), "{said}");
    // Nothing more is to be done about it.
    let said = run(&mut chroot.caller.chroot_maint_with(&config, &["-n", "all"])).stdout;
    assert!(!String::from_utf8_lossy(&said).contains("changed"), "{said:?}");
}

#[test]
fn a_foreign_chroot_with_the_hosts_tools_does_what_an_emulated_one_does() {
    let caller = Caller::root();
    let chroot = Chroot::make(&caller, "trixie");
    let status = chroot.said_by("/usr/lib/chroot-maint/switch status");
    for group in ["bash", "coreutils", "dash", "dpkg-deb", "gcc", "grep", "make", "sed", "tar"] {
        assert!(status.lines().any(|line| line == format!("{group}\tin\texact")), "{status}");
    }
    chroot.does_the_same_both_ways("answers", ANSWERS);
    chroot.does_the_same_both_ways("compilers", COMPILES);
    chroot.does_the_same_both_ways("texts", TEXTS);
    chroot.does_the_same_both_ways("fakeroot", FAKEROOT);
    chroot.does_the_same_both_ways("a package", PACKAGE);
    packages_may_come_go_and_change(&chroot);
    switched_off_all_is_the_chroots_own(&chroot);
    what_has_not_changed_is_not_made_anew(&chroot);
    without_tools_no_trace_of_them_is_left(&chroot);
}

#[test]
fn an_ordinary_user_has_the_tools_as_well_and_is_told_where_they_are_only_close() {
    let caller = Caller::ordinary_user();
    let chroot = Chroot::make(&caller, "bookworm");
    let status = chroot.said_by("/usr/lib/chroot-maint/switch status; dpkg --verify");
    // Its packages call some of these by their names in /bin, and bash and make are built in another way than in later ones.
    for group in ["bash", "dash", "grep", "make", "sed"] {
        assert!(status.lines().any(|line| line == format!("{group}\tin\texact")), "{status}");
    }
    // The cross compiler was not built again for the update of stable.
    assert!(status.lines().any(|line| line.starts_with("gcc\tin\t")), "{status}");
    chroot.does_the_same_both_ways("fakeroot", FAKEROOT);
    chroot.does_the_same_both_ways(
        "a compilation",
        "echo 'int f(int n) { return n / 7; }' >a.c; gcc -O2 -g -c a.c; objcopy -R .comment a.o; rm a.c\n\
         bash --norc -c 'echo $MACHTYPE'; printf '$(info $(MAKE_HOST))\\nall:;\\n' | make -f -",
    );
    without_its_cross_package_a_compiler_stays_emulated(&chroot);
}
