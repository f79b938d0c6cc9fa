# Runs the others, in a directory that is the same in every session: paths are compiled into what they make. Writes
# what came of it to standard output, as an archive, packed by a tar that is the same in every session too.
set -u
umask 022
export LC_ALL=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH=86400 HOME=/nonexistent
exec 3>&1 >/dev/null </dev/null

# What a command says goes into a file, and how it ends.
say() {
	name=$1; shift
	status=0
	"$@" >"$name.said" 2>&1 || status=$?
	echo "status $status" >>"$name.said"
}
# Whether all of these programs are there; those that are not are told.
part() {
	for program; do command -v "$program" >/dev/null || { echo "$program" >>left-out; return 1; }; done
}

if part gcc g++ as ld; then . ./compile.sh; fi
say features-sh sh ./features.sh
part dash && say features-dash dash ./features.sh
if part bash; then
	say features-posix bash --posix ./features.sh
	say features-bash bash ./features.bash
	# Nothing but what has it emulated, or not, is in the environment.
	say machine-bash env -i CHROOT_MAINT_EMULATE="$CHROOT_MAINT_EMULATE" bash -c 'echo $HOSTTYPE $MACHTYPE $OSTYPE $BASH_VERSION; unset CHROOT_MAINT_EMULATE; export -p; set -o'
fi
part gcc bash && say probe-bash bash ./probe.sh && mv confdefs.h confdefs-bash.h
part gcc && say probe-sh sh ./probe.sh
say texts sh ./texts.sh
if part make gcc; then
	say make make -j1
	say make-again make --trace
	say make-failing make nothing
	# The time, how this session is told from the other, and how long a pointer is.
	say make-data sh -c 'make -rRpn -f /dev/null | sed "s/ on [A-Z].* [0-9]*$//; s/^CHROOT_MAINT_EMULATE = .*//; s/^# current buf: .*//"'
fi
part m4 && say m4 m4 part.m4
part patch && say patch patch -p1 -i numbers.patch && say patch-back patch -R -p1 --dry-run -i numbers.patch
say packing sh ./packing.sh
part dpkg-architecture pod2man && say scripts sh ./scripts.sh
export CHROOT_MAINT_EMULATE=1
# The compiler's revision is in there, and in a hash over it.
if [ "$1" = close ]; then
	LC_ALL=C find . -type f ! -name '*.deb' -exec grep -lZE "$(printf '^(\177ELF|!<arch>)')" {} + |
		xargs -0 -r -n1 objcopy --remove-section=.comment --remove-section=.note.gnu.build-id 2>/dev/null
fi
tar --sort=name --format=ustar -cf - . >&3
