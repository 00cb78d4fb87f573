# What shells, packages and checks are made of: Python with the packages that requirements/ names, Agda with the cubical
# library, libLLVM for tinygrad, and the variables that tell s30 where they are. Versions are those of the pinned nixpkgs.
{ pkgs }:
let
  inherit (pkgs) lib;

  lines = file: builtins.filter (l: builtins.isString l && l != "") (builtins.split "\n" (builtins.readFile file));

  # "jax==1.0   # tag: jax" -> { name = "jax"; tag = "jax"; }; the tag is null where a package is for everybody.
  parse =
    line:
    let
      name = builtins.match "([A-Za-z0-9_.-]+).*" line;
      tag = builtins.match ".*# tag: ([a-z]+).*" line;
    in
    if name == null then
      [ ]
    else
      [
        {
          name = builtins.head name;
          tag = if tag == null then null else builtins.head tag;
        }
      ];

  wanted =
    builtins.concatMap parse (lines ../requirements/lock.in)
    ++ map (r: r // { tag = "torch"; }) (builtins.concatMap parse (lines ../requirements/torch.txt));

  once = names: builtins.attrNames (builtins.listToAttrs (map (name: { inherit name; value = null; }) names));
  names = tags: once (map (r: r.name) (builtins.filter (r: r.tag == null || builtins.elem r.tag tags) wanted));

  # Requirements that nixpkgs has as programs rather than as Python packages.
  programs = {
    inherit (pkgs) check-jsonschema import-linter ruff;
  };
  # Agda is none of Python's packages here: s30 finds it by its variables, people in the shells.
  isModule = name: !(programs ? ${name}) && name != "agda";

  cubical = pkgs.agdaPackages.cubical;
  agda = pkgs.agda.withPackages (p: [ p.cubical ]);
in
rec {
  inherit agda;

  allTags = once (map (r: r.tag) (builtins.filter (r: r.tag != null) wanted));
  # What s30 needs to run: everything but the tools for its own code.
  runTags = builtins.filter (tag: tag != "lint") allTags;

  # Python with what is for everybody and for these tags.
  python =
    tags:
    pkgs.python3.withPackages (
      available:
      map (
        name:
        available.${name}
          or (throw "requirements/ names ${name}, which python3Packages lacks: list it under `programs` in nix/environment.nix")
      ) (builtins.filter isModule (names tags))
    );

  # Everything on the PATH for these tags; `s30` is the code that PYTHONPATH names.
  tools =
    tags:
    [
      (python tags)
      (pkgs.writeShellScriptBin "s30" ''exec python -m s30.cli "$@"'')
      pkgs.git
    ]
    ++ map (name: programs.${name}) (builtins.filter (name: programs ? ${name}) (names tags));

  # For s30. It hands Agda a library file of its own, so that the program without nixpkgs' wrapper, and so without a
  # Haskell compiler, is enough.
  variables = {
    S30_AGDA = "${lib.getBin agda.unwrapped}/bin/agda";
    S30_CUBICAL = "${cubical}/${cubical.libraryFile}";
    LLVM_PATH = "${lib.getLib pkgs.llvmPackages.llvm}/lib/libLLVM${pkgs.stdenv.hostPlatform.extensions.sharedLibrary}";
  };

  # The variables that these tags need, as in a shell for one layer.
  variablesFor =
    tags:
    { S30_ENVIRONMENT = "nix"; }
    // (if builtins.elem "agda" tags then { inherit (variables) S30_AGDA S30_CUBICAL; } else { })
    // (if builtins.elem "tinygrad" tags then { inherit (variables) LLVM_PATH; } else { });
}
