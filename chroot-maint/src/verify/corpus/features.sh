# What POSIX has, for every shell.
set -u
a='one  two' b=
echo "${a#* } ${a%% *} ${#a} ${b:-empty} ${b:+set} ${c-unset}"
set -- $a "$a" 'x y'
echo $# "$*" "$@"
IFS=:; echo "$*"; unset IFS
echo $((7 / -2)) $((-7 % 3)) $((1 << 40)) $((0x7fffffffffffffff + 1)) $((010 + 0x10)) $((3 > 2 ? 5 : 6))
case foobar in f[!a-n]*r) echo matched ;; *) echo missed ;; esac
f() { local n=$1; [ "$n" -le 0 ] && return 3; f $((n - 1)); }
f 20; echo "returned $?"
for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done | while read -r line; do echo "<$line>"; done
cat <<END
$a `echo back` $(echo "nested $(echo "twice")") \$a
END
cat <<-'END'
	$a stays
END
(exit 7); echo $?
false || true && echo chain
trap 'echo left with $?' EXIT
trap 'echo signal' USR1; kill -USR1 $$
( kill -TERM $(exec sh -c 'echo $PPID') ); echo "killed: $?"
nosuchprogram-at-all; echo $?
eval 'echo $((' ; echo $?
