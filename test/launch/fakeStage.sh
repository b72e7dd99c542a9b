#!/bin/sh
# Stands in for the logits stage: leaves the manifest of its share, or finishes the cache when it is given none. Where a
# file OUT/fail-N lies, share N fails; where OUT/slow lies, it does not end. Its arguments: OUT [--shard I/N].
out=$1 part=${3%/*} of=${3#*/}
echo "${part:-merge}" >>"$out/started" # before the line that tells the test it has begun
echo "logits: on device ${CUDA_VISIBLE_DEVICES-any}" >&2
while test -e "$out/slow"; do sleep 0.05; done
if test -e "$out/fail-${part:-merge}"; then
  echo 'logits: a word before' >&2
  echo 'logits: the disk is full' >&2
  exit 1
fi
if test "$part"; then
  echo '{}' >"$out/manifest-$part-of-$of.json"
else
  echo 'the finished cache'
fi
