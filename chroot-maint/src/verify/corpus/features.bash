# What bash has besides. Its printf calculates with long double, which no two architectures share: no such numbers here.
declare -A map=([one]=1 [two]=2 [three]=3 [x y]=z)
declare -a list=(a b 'c d' {1..5} {a..e..2})
declare -p map list
echo "${!map[@]}" "${list[@]:2:3}" "${#list[@]}" "${list[-1]}"
s='Hello, Wörld äöü'
echo "${s^^}" "${s,,}" "${s//l/L}" "${s:3:5}" "${#s}" "${s@Q}" "${s@A}"
[[ $s =~ ^([A-Z][a-z]+),\ (.*)$ ]] && echo "${BASH_REMATCH[@]}"
printf '%q %05d %x %s %-10s| %b %.2f\n' 'a b' 42 255 é é '\t\u00e9' 2.5
printf '%(%F %T)T\n' 86400
mapfile -t lines < <(printf '%s\n' x y z); echo "${lines[*]}"
echo $((2 ** 62)) $((16#ff)) $((-5 / 2)) $((2#1011 ^ 3))
RANDOM=42; echo $RANDOM $RANDOM
shopt -s extglob nullglob globstar
echo *.@(c|h) **/*.nothing !(*.*)
x=aXbXc; IFS=X read -ra parts <<<"$x"; declare -p parts
coproc { while read -r l; do echo "got $l"; done; }; echo hi >&"${COPROC[1]}"; read -r answer <&"${COPROC[0]}"; echo "$answer"
f() { echo "${FUNCNAME[@]} $LINENO ${BASH_SOURCE[0]}"; caller; }; f
set -o pipefail; false | true; echo "$? ${PIPESTATUS[*]}"
kill -l; type cd f if; builtin echo $BASH $BASH_VERSION; shopt | sort | head -20
declare -i n=5+5; echo $n; declare -r ro=1; ro=2; echo "after $?"
