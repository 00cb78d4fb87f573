#!/usr/bin/env bash
# Builds the container image with Nix, and pushes it when asked to. Called by `make container` and `make container-push`.
#   push wants IMAGE (its full name), TAG, and the registry's REGISTRY_USER and REGISTRY_TOKEN
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in build | push) ;; *) echo "container: build or push?" >&2; exit 2 ;; esac
if [ "$1" = push ]; then
  for name in IMAGE TAG REGISTRY_USER REGISTRY_TOKEN; do
    [ -n "${!name:-}" ] || { echo "container: push needs $name" >&2; exit 2; }
  done
fi
mkdir -p .s30
nix build .#container --out-link .s30/container
[ "$1" = push ] || exit 0
image=${IMAGE,,} # registries know no capital letters
printf '%s' "$REGISTRY_TOKEN" | docker login "${image%%/*}" --username "$REGISTRY_USER" --password-stdin
loaded=$(.s30/container | docker load | sed -n 's/^Loaded image: //p')
[ -n "$loaded" ] || { echo "container: docker did not say what it loaded" >&2; exit 1; }
docker tag "$loaded" "$image:$TAG"
docker push "$image:$TAG"
