#!/usr/bin/env bash
# Teeth: applies each mutant to a copy of the tree and runs the test that its patch names, which must fail.
#
#   mutants/run.sh              all of them
#   mutants/run.sh 2            two, others with each commit: what CI has time for
#   mutants/run.sh NAME...      those
#
# A patch begins with what it breaks and a line `Killed-by: COMMAND`. The tree itself is not touched, uncommitted changes are copied too.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
mapfile -t all < <(cd mutants && ls -- *.patch | sed 's/\.patch$//')
case "${1:-}" in
"") picked=("${all[@]}") ;;
[0-9]*)
  turn=$(git rev-parse --short=7 HEAD 2>/dev/null || true)
  turn=$((16#${turn:-$(date +%j)}))
  picked=()
  for ((i = 0; i < $1; i++)); do picked+=("${all[(turn * $1 + i) % ${#all[@]}]}"); done
  ;;
*) picked=("$@") ;;
esac
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
(git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do [ -e "$f" ] && printf '%s\0' "$f"; done) | tar -c --null -T - | tar -x -C "$copy"
cd "$copy"
for name in "${all[@]}"; do # one that does not fit any more would otherwise be found only when its turn comes
  patch -p1 -s -N --dry-run <"$root/mutants/$name.patch" || { echo "BROKEN    $name: the patch does not fit any more"; exit 2; }
done
survived=0
for name in "${picked[@]}"; do
  patch=$root/mutants/$name.patch
  killer=$(sed -n 's/^Killed-by: //p' "$patch")
  begun=$SECONDS
  patch -p1 -s -N <"$patch"
  if ! go build ./... 2>build.log; then
    echo "BROKEN    $name: it does not compile"
    cat build.log
    exit 2
  fi
  if bash -c "$killer -count=1" >test.log 2>&1; then
    echo "SURVIVED  $name: $killer"
    survived=1
  elif grep -q -e '^--- FAIL' -e '^    --- FAIL' -e '^panic:' test.log && ! grep -q 'build failed' test.log; then
    echo "killed    $name by $(grep -o -m1 -e '--- FAIL: [^ ]*' test.log | cut -c11- || echo a panic) in $((SECONDS - begun)) s"
  else
    echo "BROKEN    $name: its test did not run"
    tail -20 test.log
    exit 2
  fi
  patch -p1 -s -R <"$patch"
  rm -f build.log test.log
done
exit $survived
