# Programs that read and write texts.
awk 'BEGIN { srand(7); x = 12345; for (i = 0; i < 400; i++) { x = (x * 1103515245 + 12345) % 2147483648; printf "%d\t%s%d\t%.6g\n", x % 1000, substr("äbcdefghijklm", x % 12 + 1, 3), i % 17, x / 7 } }' >numbers.txt
sort -n numbers.txt >sorted-n; sort -k2,2 -k3gr numbers.txt >sorted-k; sort -u -t"	" -k1,1 numbers.txt >sorted-u
printf '1.00000000000000000001\n1.00000000000000000002\n' | sort -gu >sorted-g
LC_ALL=C sort numbers.txt | uniq -c -w4 >unique
cut -f2 numbers.txt | tr 'a-m' 'N-Z' | tr -d 0-4 | tr -s N-Z >translated
cut -c1-4,7- numbers.txt | paste -d: - - sorted-n >pasted
sed -n -e '/[äb]\{1,\}/{s/\(.*\)\t\(.*\)\t/\2 \U\1\E /;p;=}' -e '$!N;P;D' numbers.txt >edited
sed -E 's/([0-9]+)/<\1>/2g; 1~3d; $a\the end' numbers.txt >edited-e
grep -En '^[0-9]{3}.*[k-m]1?[0-3]' numbers.txt >grepped; grep -c a numbers.txt >>grepped; grep -vF 1 numbers.txt >>grepped
grep -oP '(?<=\t)\w+(?=\t)' numbers.txt >>grepped 2>&1; grep -rl include . | sort >>grepped
awk -F'\t' '{ sum[$2] += $3; split($2, p, /[0-9]/); n[p[1]]++ } END { for (k in sum) print k, sum[k] | "sort"; close("sort"); for (k in n) print k, n[k] }' numbers.txt >summed
awk 'BEGIN { print sin(1), exp(1), log(2), 2^53 + 1, 1e300 * 1e10, -log(0), substr("hello", 2, 3), toupper("äx"), length("äx"), index("abc", "c"); printf "%c%c %5.2e %i %x\n", 65, "xyz", 12345.678, -3.9, 255 }' >computed 2>&1
join -t"	" sorted-u sorted-u >joined 2>&1; comm -3 sorted-n sorted-k >common 2>&1
(fold -w 20 numbers.txt; fmt -w 60 edited; nl -ba unique; expand sorted-n; tac sorted-k; pr -t -2 unique) >formed 2>&1
(wc numbers.txt; wc -m numbers.txt; head -c 50 numbers.txt; tail -n 3 numbers.txt; md5sum numbers.txt; sha512sum numbers.txt; b2sum numbers.txt; cksum numbers.txt; sum numbers.txt; base64 numbers.txt; base32 sorted-u; od -An -tx2 numbers.txt) >summarized
(factor 1234567890123456789 97; seq 1 0.5 3; expr 7 \* -6; expr length äbc; date -u -d @1700000000 +%c; date -u -d '2020-02-30' ; basename /a/b.c .c; dirname /a/b.c; realpath -m x/../y; numfmt --to=iec 123456789; tsort table.h; shuf --random-source=numbers.txt -i 1-20; printf '%s %d %5.2f\n' a 12 3.5; env -i A=1 env; test 1 -lt x; echo $?) >computed-2 2>&1
(hostname; hostname -s; hostname -d; dnsdomainname; hostname --nosuchoption) >named 2>&1
split -l 100 numbers.txt part-; csplit -s -f cs- numbers.txt 100 '/äb/'
mkdir -p deep/er/est; for i in 1 2 3; do cp numbers.txt "deep/file $i"; ln -s "../file $i" deep/er/; ln -f "deep/file $i" deep/er/est/; done
mkdir deep/modes; install -m 640 table.h deep/modes/; chmod u+x,g=w deep/modes/table.h; touch -d @86400 deep/modes/table.h
find deep -type f -name 'f*' -print0 | sort -z | xargs -0 -n2 sh -c 'echo "$#: $1 $2"' sh >found
find deep \( -type l -o -size +2k \) -printf '%p %y %l %m %s\n' -o -name er -exec echo {} + | sort >>found
find deep -newermt 2000-01-01 -empty -delete; find . -nosuchtest >>found 2>&1; xargs -I{} echo '[{}]' <computed >>found
touch -d @86400 numbers.txt edited-e; diff -u numbers.txt edited-e >changed.diff; diff -rq deep deep/er >changed 2>&1; diff --version >>changed; cmp numbers.txt sorted-n >>changed; diff3 -m numbers.txt sorted-n sorted-u >merged; sdiff -s -w 80 unique sorted-u >>merged
sed -i 's/[0-9]\{4,\}/&&/' numbers.txt; sed -i.bak '2,3d' sorted-u
(ls -l --time-style=+%s deep/modes; stat -c '%A %U %G %s %F' deep/modes/table.h; ls nosuchfile; cat deep; cp nosuchfile x; mv nosuchfile x; rm deep; mkdir deep; rmdir deep; ln table.h nosuchdir/x; cut; sort nosuchfile; grep '[' x; sed s/x; awk '{'; tr; xargs --nosuch; head -n x) >complaints 2>&1
for program in sort ls sed grep tar gzip xz bzip2 find make patch awk diff m4 bash; do $program --version; echo $?; $program --nosuchoption; echo $?; done >versions 2>&1
for program in sort ls sed grep tar gzip xz find make patch diff bash; do $program --help; done >helps 2>&1
