# Archives, and packages.
mkdir -p package/DEBIAN package/usr/share/doc/corpus
printf '%s\n' 'Package: corpus' 'Version: 1' 'Architecture: all' 'Maintainer: Nobody <nobody@example.org>' 'Description: a package' ' Not a big one.' >package/DEBIAN/control
cp numbers.txt package/usr/share/doc/corpus/; chmod -R go-w,a+rX package
find deep package -exec touch -h -d @86400 {} +
pack() { tar --sort=name --mtime=@86400 --owner=build:7 --group=0 --numeric-owner "$@"; }
pack -cf deep.tar deep package; pack --format=pax --pax-option=delete=atime,delete=ctime -cf deep-pax.tar deep
pack -czf auto.tgz deep; pack -cJf auto.txz deep; pack -cjf auto.tbz deep
gzip -9nc deep.tar >deep.tar.gz; xz -6c deep.tar >deep.tar.xz; bzip2 -9c deep.tar >deep.tar.bz2; xz -T2 -0c deep.tar >deep-2.tar.xz
if command -v zstd >/dev/null; then zstd -q -19 -c deep.tar >deep.tar.zst; fi
(for z in gz xz bz2; do mkdir un$z; tar -C un$z -xf deep.tar.$z; diff -r deep un$z/deep && echo same $z; done; tar -tvf deep.tar; xz -lv deep.tar.xz; gzip -l deep.tar.gz; tar -xf table.h; gzip -d table.h; xz -d table.h; bzip2 -d table.h; tar -cf x.tar nosuchfile) >unpacked 2>&1
rm -rf ungz unxz unbz2
for z in gzip xz none; do dpkg-deb -Z$z --root-owner-group --build package corpus-$z.deb; done >packaged 2>&1
(dpkg-deb -c corpus-xz.deb; dpkg-deb -I corpus-xz.deb; dpkg-deb -f corpus-gzip.deb; dpkg-deb --build deep x.deb; dpkg-deb -x table.h x; ar t corpus-xz.deb) >>packaged 2>&1
if command -v fakeroot >/dev/null; then
	fakeroot sh -c 'cp -a deep owned && chown 7:8 owned/* && chown -h 12 owned/er/* && chmod 4755 owned/modes && mknod owned/null c 1 3; tar --sort=name --mtime=@86400 -cf owned.tar owned; find owned -printf "%p %U %G %m %y\n" | sort; dpkg-deb --build package corpus-fake.deb' >faked 2>&1
	rm -rf owned
fi
if command -v eatmydata >/dev/null; then eatmydata sh -c 'cp numbers.txt eaten; sync eaten; sort eaten | sha256sum' >eaten-said 2>&1; fi
