# The command line, as a thin wrapper: inside a checkout it runs the checkout's own code; elsewhere it lays out a copy of
# this revision's sources below the user's cache, since s30 writes beside them.
{
  pkgs,
  tree,
  revision,
  environment,
}:
let
  exported = environment.variablesFor environment.runTags;
  # What s30 compares the sources with where there is no git to ask.
  digest = pkgs.runCommand "s30-source-digest" { nativeBuildInputs = [ (environment.python [ ]) ]; } ''
    PYTHONPATH=${tree}/python python3 -c '
    import pathlib, sys
    from s30.corpus import repository
    print(repository.files_digest(pathlib.Path(sys.argv[1])))
    ' ${tree} > $out
  '';
in
pkgs.writeShellScriptBin "s30" ''
  ${builtins.concatStringsSep "\n" (
    builtins.attrValues (builtins.mapAttrs (name: value: ''export ${name}="''${${name}:-${value}}"'') exported)
  )}
  export PATH=${
    builtins.concatStringsSep ":" (
      map (tool: "${tool}/bin") (
        environment.tools environment.runTags
        ++ [ pkgs.coreutils ]
        # unshare, with which `s30 reproduce --offline` cuts the network off; there is no such thing elsewhere
        ++ (if pkgs.stdenv.hostPlatform.isLinux then [ pkgs.util-linux ] else [ ])
      )
    )
  }:$PATH

  if [ -z "''${S30_ROOT:-}" ]; then
    folder=$PWD
    while [ "$folder" != / ] && [ ! -f "$folder/papers.yaml" ]; do folder=$(dirname "$folder"); done
    if [ ! -f "$folder/papers.yaml" ]; then
      folder=''${XDG_CACHE_HOME:-$HOME/.cache}/s30/${baseNameOf "${tree}"}
      if [ ! -d "$folder" ]; then
        mkdir -p "$(dirname "$folder")"
        draft=$(mktemp -d "$folder.XXXXXX")
        cp -r --no-preserve=ownership,timestamps ${tree}/. "$draft"
        chmod -R u+w "$draft"
        mv -T "$draft" "$folder" 2>/dev/null || rm -rf "$draft" # another call was quicker
      fi
    fi
    export S30_ROOT=$folder
  fi
  if [ ! -e "$S30_ROOT/.git" ]; then
    export S30_COMMIT="''${S30_COMMIT:-${revision}}" S30_SOURCE_DIGEST="''${S30_SOURCE_DIGEST:-$(cat ${digest})}"
  fi
  PYTHONPATH=$S30_ROOT/python''${PYTHONPATH:+:$PYTHONPATH} exec python -m s30.cli "$@"
''
