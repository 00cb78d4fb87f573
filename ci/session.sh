#!/usr/bin/env bash
# Runs one nox session on a fresh machine: ci/session.sh SESSION [ARGUMENTS]. Called by `make session`.
# nox comes from a Nix shell when this is one, from .venv when that is set up, else it is installed, as locked, into
# .nox/launcher.
#   PYTHON=python3.12   chooses the interpreter of the launcher and of the session's environment
set -euo pipefail
cd "$(dirname "$0")/.."
session=${1:?session: name one, as in: make session SESSION=torch}
shift
nox=.venv/bin/nox
if [ -n "${IN_NIX_SHELL:-}" ]; then
  nox=nox
elif [ ! -x "$nox" ]; then
  nox=.nox/launcher/bin/nox
  if [ ! -x "$nox" ]; then
    mkdir -p .nox
    "${PYTHON:-python3}" -m venv .nox/launcher
    "${PYTHON:-python3}" ci/subset.py --only session >.nox/launcher.txt
    .nox/launcher/bin/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes -r .nox/launcher.txt
  fi
fi
exec "$nox" --session "$session" ${1:+-- "$@"}
