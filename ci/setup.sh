#!/usr/bin/env bash
# Brings .venv in line with requirements/ and finds libLLVM. Called by make; a second call does no work.
#   PYTHON=python3.12 make setup   chooses the interpreter; otherwise the first of python3.11, python3.12, python3.13, python3
#   TORCH_INDEX=... make setup     looks for PyTorch in that package index too, as for its CPU build
#   ci/setup.sh llvm PYTHON        libLLVM alone, for an environment that is made elsewhere and has s30: a session of nox
# In a Nix shell there is nothing to do: it holds everything, and make takes its programs from there.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '%s\n' "setup: $*" >&2; }
die() { say "$*"; exit 1; }

root=()
as_root() { # whether packages may be installed: by root, and on a runner of CI by its sudo
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" = 0 ] && return
  root=(sudo -n)
  [ -n "${CI:-}" ] && "${root[@]}" true 2>/dev/null
}
install_packages() { # apt-get install, with the lists refreshed only when that is needed
  "${root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
    { "${root[@]}" apt-get update -qq >/dev/null && "${root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
}

provide_llvm() { # with the Python that has s30; whether there is one in the end
  local llvm=("$1" -c 'import sys; from s30.evidence.environment import find_llvm; sys.exit(find_llvm() is None)')
  "${llvm[@]}" && return
  if as_root; then
    say "installing libLLVM for tinygrad"
    for package in libllvm19 libllvm18 libllvm17 libllvm16; do install_packages "$package" && break; done || true
  fi
  "${llvm[@]}" && return
  say "no libLLVM 16 to 21 found: tinygrad's layer will be not_run. Debian: apt-get install libllvm19; elsewhere set LLVM_PATH"
  return 1
}

if [ "${1:-}" = llvm ]; then
  provide_llvm "$2" || true
  exit
fi
if [ -n "${IN_NIX_SHELL:-}" ]; then
  for program in python s30 nox; do
    command -v "$program" >/dev/null || die "this Nix shell has no $program: enter the project's own (nix develop), or leave it"
  done
  say "nothing to do in a Nix shell, which holds everything"
  exit
fi

python=""
for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$candidate; break; fi
done
[ -n "$python" ] || die "needs Python 3.11 or later (tried: ${PYTHON:-python3.11 python3.12 python3.13 python3}); install it or set PYTHON"

wanted=$("$python" -c 'import hashlib, pathlib, sys
parts = [sys.version] + [p.read_text() for p in sorted(pathlib.Path("requirements").glob("*.txt"))]
print(hashlib.sha256("\0".join(parts).encode()).hexdigest())')
stamp=.venv/.s30-setup
mkdir -p .s30
exec 9>.s30/setup.lock
if command -v flock >/dev/null; then flock 9; fi # two calls at once: the second waits, then finds the work done

if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
  started=$SECONDS
  say "creating .venv with $("$python" --version) (about two minutes, once)"
  rm -rf .venv
  if ! "$python" -m venv .venv >/dev/null 2>&1; then
    rm -rf .venv
    as_root || die "$python cannot make a virtual environment: install its venv module (Debian: apt-get install python3-venv)"
    install_packages python3-venv
    "$python" -m venv .venv
  fi
  pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }
  pip install --quiet --require-hashes -r requirements/lock.txt 2> >(grep -v '^WARNING: Location' >&2)
  pip install --quiet ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements/torch.txt 2> >(grep -v '^WARNING: Location' >&2)
  pip install --quiet --no-deps --no-build-isolation --editable . 2> >(grep -v '^WARNING: Location' >&2)
  echo "$wanted" >"$stamp"
  say "done in $((SECONDS - started)) s"
fi

if [ ! -e .venv/.s30-llvm ] && provide_llvm .venv/bin/python; then touch .venv/.s30-llvm; fi
