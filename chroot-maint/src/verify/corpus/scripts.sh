# Scripts for perl, whoever's perl runs them.
printf '%s\n' '=head1 NAME' '' 'thing - does ä B<thing>' '' '=over 4' '' '=item B<-x>' '' 'A C<code> and I<words>.' '' '=back' >thing.pod
pod2man --release=1 --center=corpus --date=2000-01-01 thing.pod >thing.1 2>thing-said
(dpkg-architecture | sort; dpkg-architecture -A riscv64 -q DEB_HOST_MULTIARCH; dpkg-architecture --nosuch; dpkg-buildflags; dpkg-buildflags --status; dpkg-vendor --query Vendor) >developed 2>&1
mkdir -p thing-1/debian/source thing-1/debian/thing/DEBIAN
cd thing-1
printf '%s\n' 'Source: thing' 'Maintainer: Nobody <nobody@example.org>' 'Standards-Version: 4.7.0' '' 'Package: thing' 'Architecture: any' 'Depends: ${shlibs:Depends}, ${misc:Depends}' 'Description: a thing' ' Not a big one.' >debian/control
printf '%s\n' 'thing (1) unstable; urgency=low' '' '  * Thing.' '' ' -- Nobody <nobody@example.org>  Thu, 01 Jan 1970 01:00:00 +0000' >debian/changelog
echo '3.0 (native)' >debian/source/format
(dpkg-parsechangelog; dpkg-checkbuilddeps; dpkg-shlibdeps -O -e/bin/true; dpkg-gencontrol -Pdebian/thing; cat debian/thing/DEBIAN/control; dpkg-source --build .; dpkg-genchanges -S; dpkg-source --nosuch) >../packed 2>&1
if command -v dh >/dev/null; then
	printf '#!/usr/bin/make -f\n%%:\n\tdh $@\n' >debian/rules; chmod +x debian/rules; echo 13 >debian/compat; echo ../thing.1 >debian/thing.manpages
	(dh_testdir; dh_listpackages; dh_prep; dh_installman; dh_installchangelogs; dh_compress; dh_fixperms; dh_gencontrol; dh_md5sums; find debian/thing -type f -exec sha256sum {} + | sort -k2; dh binary --no-act; dh_nosuch; dh_install nosuch) >../helped 2>&1
fi
if command -v autoconf >/dev/null; then
	printf 'AC_INIT([thing], [1])\nAC_CONFIG_HEADERS([config.h])\nAC_PROG_CC\nAC_CHECK_FUNCS([fork])\nAC_OUTPUT\n' >configure.ac
	(autoconf; autoheader; autoscan; sha256sum configure config.h.in; autoreconf --nosuch) >../configured 2>&1
	rm -rf autom4te.cache
fi
cd ..
