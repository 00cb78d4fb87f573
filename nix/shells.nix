# `nix develop` for everything, `nix develop .#torch` for one layer.
{ pkgs, environment }:
let
  shell =
    tags:
    pkgs.mkShell {
      packages =
        environment.tools tags
        ++ [ pkgs.gnumake ]
        ++ (if builtins.elem "agda" tags then [ environment.agda ] else [ ]);
      env = environment.variablesFor tags;
      # The checkout's own code, wherever in it one stands.
      shellHook = ''
        export PYTHONPATH="$(git rev-parse --show-toplevel 2>/dev/null || pwd)/python''${PYTHONPATH:+:$PYTHONPATH}"
      '';
    };
  # nox is asked for by every layer's sessions, and its tag is that of the tools for lint.
  layer = tag: {
    name = tag;
    value = shell [
      tag
      "lint"
    ];
  };
in
builtins.listToAttrs (
  map layer [
    "numpy"
    "sympy"
    "tinygrad"
    "torch"
    "jax"
    "agda"
  ]
)
// {
  default = shell environment.allTags;
}
