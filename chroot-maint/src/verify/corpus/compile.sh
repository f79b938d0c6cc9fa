# Compilers, linkers and what else reads and writes objects. What a text or a checksum is drawn from has no .comment, as
# that may name another revision of the compiler.
say compile-O0 gcc -O0 -fno-ident -c table.c -o table-O0.o
say compile-O2-g gcc -O2 -g -c table.c -o table.o
say compile-main gcc -O2 -g -c main.c -o main.o
say compile-pic gcc -Os -fPIC -fvisibility=hidden -c table.c -o table-vis.o
say compile-pic-2 gcc -O3 -fPIC -ftree-vectorize -ffast-math -fno-ident -c table.c -o table-pic.o
say compile-g3 gcc -Og -g3 -gz -ffunction-sections -fdata-sections -MMD -MP -MF table-g3.d -c table.c -o table-g3.o
say compile-split gcc -g -gsplit-dwarf -ffile-prefix-map="$PWD"=/nowhere -c "$PWD/table.c" -o table-split.o
say compile-hard gcc -O2 -fno-ident -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=3 -Wall -c main.c -o main-hard.o
say preprocess gcc -E -dD main.c -o main.i
say preprocess-cpp cpp -P -DWORD='a b' table.h table.cpp-out
say preprocessed gcc -O1 -c main.i -o main-i.o
say assembly-2 gcc -O2 -S -fverbose-asm -fno-ident main.c -o main.s
say depend gcc -MM main.c
say depend-all gcc -M main.c -MT 'a target' -MF depend-all.d
say from-stdin sh -c 'echo "int x = __LINE__;" | gcc -x c -c - -o stdin.o'
printf '%s\n' -O2 -DNAME='\"text\ with\ blanks\"' '-c' >options
say verbose gcc --verbose
say verbose-parts gcc -Wp,-v -c main.c -o main-verbose.o
say response gcc @options table.c -o table-response.o
say coverage gcc -O1 --coverage -frandom-seed=corpus -c table.c -o table-cov.o
say sanitized gcc -O1 -fsanitize=undefined,address -c table.c -o table-san.o
for check in undefined address thread leak float-cast-overflow float-divide-by-zero,leak bounds signed-integer-overflow,address; do
	say "checked-$check" gcc -O1 -fsanitize="$check" -S checked.c -o "checked-$check.s"
done
say checked-trap gcc -O2 -fsanitize=undefined -fsanitize-undefined-trap-on-error -c checked.c -o checked-trap.o
say checked-lto gcc -O2 -flto -ffat-lto-objects -frandom-seed=corpus -fsanitize=undefined -c checked.c -o checked-lto.o
say checked-linked gcc -O2 -flto -frandom-seed=corpus -fsanitize=undefined -nostdlib -shared checked-lto.o -o checked-lto.so
say openmp gcc -O2 -fopenmp -pthread -c twice.c -o twice-omp.o
say saved-temps gcc -O1 -save-temps -fno-ident -c cycle.c -o cycle-saved.o
say reports gcc -O2 -fdump-tree-optimized -fstack-usage -c cycle.c -o cycle-dump.o
say header gcc -x c-header -O0 table.h -fsyntax-only
if command -v dpkg-buildflags >/dev/null; then
	# Asked once: it takes a while.
	say debian-flags sh -c 'eval "$(dpkg-buildflags --export=sh)" && gcc $CFLAGS $CPPFLAGS -c main.c -o main-deb.o && gcc $LDFLAGS main-deb.o table.o -lm -o main-deb'
fi

say assemble as data.s -o data.o
say assemble-gcc gcc -g -c data.s -o data-g.o
say assemble-list as -aln=data.list --defsym extra=1 -g data.s -o data-list.o

say c++ g++ -O2 -g -fno-ident -c shapes.cpp -o shapes.o
say c++-draw g++ -O2 -g -std=c++20 -fno-ident -c draw.cpp -o draw.o
say c++-assembly g++ -O0 -S -fno-ident shapes.cpp -o shapes.s
say c++-link g++ draw.o shapes.o -o draw

say link gcc main.o table.o -lm -o main
say link-once gcc -O1 -Wl,-O1,--as-needed,-z,relro,-z,now main.c table.c -lm -o main-once
say link-map gcc -no-pie -Wl,-Map=hard.map main-hard.o table-pic.o -lm -o main-hard
say link-no-pie gcc -no-pie -Wl,--gc-sections main.o table-g3.o -lm -o main-no-pie
say link-static gcc -static -s main.o table.o -lm -o main-static
say archive ar rcs libtable.a table.o data.o
say archive-named ar rcU libtable-named.a table-O0.o; ranlib -D libtable-named.a
say archive-thin ar rcsTD libthin.a table.o
say archive-gcc gcc -L. main.o -ltable -lm -o main-archive
mkdir lib
echo -shared table-pic.o >link.options
say link-response gcc @link.options -o lib/libresponse.so
echo draw.o shapes.o >link-c++.options
say c++-link-response g++ @link-c++.options -o draw-response
echo "-plugin $(dirname "$(gcc -print-prog-name=cc1)")/liblto_plugin.so table.o" >ld.options
say ld-response ld -r @ld.options -o ld-response.o
say link-several gcc -Wl,--as-needed,-Map=several.map,-O1 -nostdlib -shared table-pic.o -o lib/libseveral.so
echo 'TABLE_1 { global: we*; local: *; };' >table.map
say shared gcc -shared -Wl,-soname,libtable.so.1 -Wl,--version-script=table.map table-pic.o -o lib/libtable.so.1
say shared-plain gcc -shared -Wl,-soname,libplain.so.1 -Wl,--hash-style=both table-pic.o -o lib/libplain.so.1
ln -s libplain.so.1 lib/libplain.so
say shared-linked gcc main.o -Llib -lplain -Wl,-rpath,"$PWD/lib" -Wl,--enable-new-dtags -lm -o main-shared
say relocatable ld -r main.o table.o -o both.o
say linked-bare ld -shared -z defs -e code data.o -o bare.so
say linked-bare-map ld -shared -M -e code data.o -o bare-map.so

# The names of what belongs together are random unless they are told.
lto="-O2 -g -flto=1 -fno-ident -frandom-seed=corpus"
say lto-1 gcc $lto -c cycle.c -o cycle-lto.o
say lto-2 gcc $lto -ffat-lto-objects -c twice.c -o twice-lto.o
say lto-link gcc $lto cycle-lto.o twice-lto.o -o lto
say lto-archive gcc-ar rcs libcycle.a cycle-lto.o
say lto-archive-ar ar rcs libcycle-ar.a cycle-lto.o
say lto-archive-ranlib gcc-ranlib libcycle.a
say lto-archive-link gcc $lto twice-lto.o libcycle.a -o lto-archive
say lto-partitions gcc -O1 -flto=auto -fno-ident -flto-partition=max -frandom-seed=corpus cycle-lto.o twice-lto.o -o lto-partitions
say lto-names nm libcycle.a
say lto-names-gcc gcc-nm libcycle-ar.a

for program in main main-once main-no-pie main-static main-archive main-shared draw lto lto-archive lto-partitions; do
	say "run-$program" ./$program 3 words
done

cp main stripped; say strip strip stripped
cp shapes.o stripped.o; say strip-debug strip --strip-unneeded -R .comment stripped.o
cp libtable.a stripped.a; say strip-archive strip -g --enable-deterministic-archives stripped.a
say keep-debug objcopy --only-keep-debug --compress-debug-sections draw draw.debug
cp draw draw-linked; say debuglink objcopy --strip-debug --add-gnu-debuglink=draw.debug draw-linked
say binary objcopy -O binary -j .data -j .rodata data.o data.bin
say renamed objcopy --redefine-sym numbers=ciphers --rename-section .rodata=.constant --add-section extra=table.h data.o data-renamed.o
say disassemble objdump -dr table-pic.o
say disassemble-c++ objdump -drC -M no-aliases draw.o
say dump objdump -xsw data.o
say dump-debug objdump --dwarf=info,line,frames draw.o
say names nm -CSl --size-sort draw.o
say names-archive nm -sA libtable-named.a
say names-dynamic nm -D lib/libplain.so.1
say read readelf -aW table-pic.o
say read-lto readelf -hlSW --lto-syms cycle-lto.o
say read-shared readelf -dlsW lib/libplain.so.1
say list ar tvO libtable-named.a
say list-thin ar t libthin.a
say sizes size -A table-pic.o
say strings strings -a -n 6 table-pic.o
say lines addr2line -fie draw.o -j .text 0
say unmangled c++filt _ZN6shapes7PolygonILi3EE4areaEv

# How they fail, and what they say of it.
say wrong gcc -Wall -c wrong.c
say wrong-colours gcc -Wall -fdiagnostics-color=always -c wrong.c
say wrong-json gcc -Wall -fdiagnostics-format=json -c wrong.c
say warned gcc -O2 -Wall -Wextra -c warned.c -o warned.o
say warned-error gcc -O2 -Wall -Werror -c warned.c
say missing gcc -c broken.c
say missing-depend gcc -MM -MG broken.c
say wrong-c++ g++ -fmax-errors=3 -c wrong.cpp
say wrong-assembler as broken.s -o broken.o
say wrong-assembler-gcc gcc -c broken.s
# The names of temporary files are random.
without_names() {
	status=0; "$@" >said 2>&1 || status=$?
	sed 's,/tmp/cc[^.]*,TEMPORARY,g' said; rm said
	return $status
}
for kind in WRONG ODD LATE; do
	for options in -c "-g -O2 -c" "-nostdlib -shared" "-flto -c"; do
		say "assembly-$kind$options" without_names gcc $options -frandom-seed=corpus -D$kind assembly.c -o "assembly-$kind$options.out"
	done
	say "assembly-$kind-c++" without_names g++ -D$kind -c -x c++ assembly.c -o assembly-$kind-c++.out
done
for file in wrong.c assembly.c; do
	echo kept >"kept-$file.o"
	say "kept-$file" without_names gcc -w -DWRONG -c $file -o "kept-$file.o"
done
say nowhere-to-write gcc -c table.c -o nowhere/table.o
say fatal-errors gcc -Wfatal-errors -c wrong.c
gcc -c unlinked.c
say unlinked gcc unlinked.o -o unlinked
say unlinked-ld ld unlinked.o -o unlinked
say no-library gcc main.o -lnowhere -L/nowhere -o x
say twice-defined gcc main.o main-hard.o table.o -lm -o x
say not-an-object gcc Makefile -o x
say no-source gcc nowhere.c
say no-input gcc
say no-option gcc --no-such-option -fno-such-option -c main.c
say no-language gcc -x none-such -c main.c
say no-library-c++ g++ draw.o -o x
for program in ar as ld nm objcopy objdump ranlib readelf strip; do
	say "$program-nothing" $program
	say "$program-nowhere" $program nowhere.o
	say "$program-text" $program Makefile
	say "$program-version" $program --version
	say "$program-help" $program --help
done

# What they say of themselves.
say about gcc -v
say about-preprocessing gcc -v -E table.h
say about-compiling gcc -v -save-temps=obj -fno-ident -c cycle.c -o lib/cycle.o
say about-c++ g++ -v -E table.h
say about-cpp cpp -v table.h
say about-version gcc --version
say about-version-c++ g++ --version
say about-help gcc --help=common
say about-optimizers gcc -Q -O2 --help=optimizers
say about-target gcc -Q --help=target
say about-macros gcc -O2 -dM -E -x c /dev/null
say about-macros-c++ g++ -dM -E -x c++ /dev/null
for what in -print-search-dirs -dumpmachine -dumpversion -dumpfullversion -dumpspecs -print-multiarch -print-multi-lib -print-sysroot \
	-print-libgcc-file-name -print-prog-name=cc1 -print-prog-name=ld -print-prog-name=as -print-file-name=libc.so -print-file-name=plugin \
	-print-file-name=liblto_plugin.so -print-file-name=include; do
	say "about$what" gcc $what
done
say about-linker ld --verbose
say about-linkers-targets ld -V
say about-formats objdump -i
# In there are the names of temporary files.
say about-linker-in-gcc sh -c 'gcc -Wl,--version 2>&1 | sed s,/tmp/cc[^.]*,TEMPORARY,g'
say about-assembler-in-gcc gcc -Wa,--version -c data.s -o x.o
