# As configure scripts go: small programs, and what comes of them goes into a header and, through sed and awk, into texts.
CC=gcc ac_nl='
'
: >config.log; : >confdefs.h
say() { echo "checking $1... $2" | tee -a config.log; }
try() {
	cat confdefs.h >conftest.c; cat >>conftest.c
	$CC -c conftest.c >conftest.err 2>&1; status=$?
	grep -v '^ *+' conftest.err >>config.log
	return $status
}
as_tr='s/[^a-zA-Z0-9_]/_/g;y/abcdefghijklmnopqrstuvwxyz/ABCDEFGHIJKLMNOPQRSTUVWXYZ/'
for header in stdio.h sys/epoll.h windows.h; do
	name=HAVE_$(echo "$header" | sed "$as_tr")
	if echo "#include <$header>" | try; then
		say $header yes; echo "#define $name 1" >>confdefs.h
	else
		say $header no; echo "/* #undef $name */" >>confdefs.h
	fi
done
for type in int long 'void *' 'long double' wchar_t size_t; do
	for size in 1 2 4 8 16; do
		if echo "#include <stddef.h>${ac_nl}int a[sizeof($type) == $size ? 1 : -1];" | try; then
			say "size of $type" $size
			echo "#define SIZEOF_$(echo "$type" | sed 's/\*/P/g;'"$as_tr") $size" >>confdefs.h
			break
		fi
	done
done
say 'build system' "$(uname -m), $(gcc -dumpmachine), $(dpkg --print-architecture)"
(as_fn() { exit $1; }; as_fn 4); say 'exit status' $?
sed 's/.*/s,@&@,x,g/' config.log | sort -u | awk 'BEGIN { FS = "@" } { n[NF]++ } END { for (i = 0; i < 9; i++) if (n[i]) print i, n[i] }'
test -x /bin/sh && expr a : '\(.\)' && expr "X/usr/lib" : 'X\(.*[^/]\)//*[^/][^/]*/*$'
rm -f conftest.*
