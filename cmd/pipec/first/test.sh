#!/bin/sh
# Runs the job on data/ and compares what it gives with expected/.
set -e
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
pipec run first_job.pipe --quiet --set output="$out" --set job.checkpoint.storage="$out/checkpoints"
for sink in hours late; do
  cat "$out/$sink"/part-* | LC_ALL=C sort | diff "expected/$sink.json" -
done
echo "as expected"
