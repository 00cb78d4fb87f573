#!/usr/bin/env bash
# Measures a part of the record again, with the network cut off: ci/reproduce.sh --paper 26. Called by `make reproduce`.
# Exit code 0 with a note where that cannot be done: the record is in no commit as it stands, its commit is not in this
# (shallow) clone, or the network cannot be cut off here. Otherwise that of `s30 reproduce`: a difference is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
note() { echo "note: the record was not reproduced: $*"; exit 0; }

[ -z "$(git status --porcelain -- verification.yaml)" ] || note "verification.yaml is in no commit as it stands"
commit=$(sed -nE "s/^checked_commit: '?([0-9a-f]{40})'?\$/\1/p" verification.yaml)
if [ -n "$commit" ] && ! git cat-file -e "$commit^{commit}" 2>/dev/null; then
  note "its commit $commit is not in this clone (git fetch --unshallow brings the whole history)"
fi
unshare -n true 2>/dev/null || unshare -rn true 2>/dev/null || note "unshare is not allowed here, so that the network stays open"
exec s30 reproduce --offline "$@"
