#!/usr/bin/env bash
# The container image of Nix. Called by `make container` and `make container-push`.
#   build   writes the image to evidence/container/s30.tar and says its sha256, to GITHUB_OUTPUT too where that is set
#   push    pushes that file; wants IMAGE (the full name), TAG, and the registry's REGISTRY_USER and REGISTRY_TOKEN.
#           With DIGEST, as `build` said it, nothing is built and no other file is pushed; without it the image is built first,
#           by a process that is not given the token.
set -euo pipefail
cd "$(dirname "$0")/.."
archive=evidence/container/s30.tar
fail() { echo "container: $*" >&2; exit 2; }
digest_of() { sha256sum "$1" | sed 's/^\([0-9a-f]*\).*/sha256:\1/'; }

case ${1:-} in
build)
  mkdir -p .s30 "${archive%/*}"
  nix build .#container --out-link .s30/container
  .s30/container >"$archive"
  digest=$(digest_of "$archive")
  echo "container: $archive has the digest $digest"
  if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "digest=$digest" >>"$GITHUB_OUTPUT"; fi
  ;;
push)
  for name in IMAGE TAG REGISTRY_USER REGISTRY_TOKEN; do [ -n "${!name:-}" ] || fail "push needs $name"; done
  if [ -z "${DIGEST+set}" ]; then
    env -u REGISTRY_TOKEN bash ci/container.sh build
    DIGEST=$(digest_of "$archive")
  fi
  [ -f "$archive" ] || fail "there is no $archive to push"
  found=$(digest_of "$archive")
  [ "$found" = "$DIGEST" ] || fail "$archive has the digest $found; ${DIGEST:-none} was built: nothing is pushed"
  image=${IMAGE,,} # registries know no capital letters
  loaded=$(docker load <"$archive" | sed -n 's/^Loaded image: //p')
  [ -n "$loaded" ] || { echo "container: docker did not say what it loaded" >&2; exit 1; }
  docker tag "$loaded" "$image:$TAG"
  printf '%s' "$REGISTRY_TOKEN" | docker login "${image%%/*}" --username "$REGISTRY_USER" --password-stdin
  docker push "$image:$TAG"
  ;;
*) fail "build or push?" ;;
esac
