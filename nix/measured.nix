# What is measured inside Nix's sandbox: the evidence of each layer, the checks, and the record made from that evidence.
# Nothing is measured twice: each derivation below begins with the evidence of those that it names under `known`.
{
  pkgs,
  tree,
  revision,
  environment,
}:
let
  inherit (environment) allTags;
  layers = [
    "numpy"
    "sympy"
    "tinygrad"
    "torch"
    "jax"
    "agda"
  ];

  # The files that a measurement can depend on. Their store path, and so the evidence, survives a commit that changes others.
  sources =
    let
      start = builtins.stringLength (toString ../.) + 1;
      kept = [
        "agda"
        "papers"
        "papers.yaml"
        "python"
        "waivers.yaml"
      ];
      keep =
        path: _:
        let
          relative = builtins.substring start 4096 path;
        in
        builtins.elem (builtins.head (builtins.split "/" relative)) kept && relative != "python/tests";
    in
    builtins.path {
      name = "s30-sources";
      path = ../.;
      filter = keep;
    };

  # Runs `script` in a copy of `files` that can be written to, with what `tags` need and the evidence of `known` at hand.
  inside =
    {
      name,
      files,
      tags,
      known ? [ ],
      variables ? { },
    }:
    script:
    pkgs.runCommand "s30-${name}"
      (
        environment.variablesFor tags
        // variables
        // {
          nativeBuildInputs = environment.tools tags;
        }
      )
      ''
        export HOME=$TMPDIR XDG_CACHE_HOME=$TMPDIR/cache CACHEDB=$TMPDIR/tinygrad.db LC_ALL=C.UTF-8 COLUMNS=140
        cp -r ${files} tree
        chmod -R u+w tree
        cd tree
        export S30_ROOT=$PWD S30_CACHE=$TMPDIR/evidence PYTHONPATH=$PWD/python PYTHONDONTWRITEBYTECODE=1
        mkdir $S30_CACHE
        ${builtins.concatStringsSep "\n" (map (e: "cp -r --no-preserve=mode ${e}/cache/. $S30_CACHE") known)}
        ${script}
      '';

  # One layer's evidence, experiments included, with s30's own words and exit code. A layer that fails is evidence too;
  # any other exit code stops the build.
  measure =
    {
      name,
      layer,
      known,
      arguments ? "",
    }:
    inside
      {
        inherit name known;
        files = sources;
        tags = [ layer ];
      }
      ''
        status=0
        s30 verify --layer ${layer} ${arguments} >$TMPDIR/report 2>&1 || status=$?
        cat $TMPDIR/report
        [ $status -le 1 ] || exit $status
        mkdir $out
        rm -rf $S30_CACHE/agda # where Agda worked: its interfaces are no evidence
        cp -r $S30_CACHE $out/cache
        cp $TMPDIR/report $out/report
        echo $status >$out/status
      '';
  # NumPy, with which every layer is compared, is measured once.
  evidence =
    layer:
    measure {
      name = "evidence-${layer}";
      inherit layer;
      known = if layer == "numpy" then [ ] else [ (evidence "numpy") ];
    };
  everything = map evidence layers;

  # The experiments at the length that the record states, beside what is measured already.
  full = "--profile full --time-limit 900";
  experiments =
    layer:
    measure {
      name = "experiments-${layer}";
      inherit layer;
      known = [
        (evidence "numpy")
        (evidence layer)
      ];
      arguments = full;
    };

  layerCheck = layer: {
    name = layer;
    value = pkgs.runCommand "s30-${layer}" { } ''
      cat ${evidence layer}/report
      [ "$(cat ${evidence layer}/status)" = 0 ] && touch $out
    '';
  };

  # A session of noxfile.py in this environment, which holds everything: nox makes no other.
  session =
    name:
    inside {
      inherit name;
      files = tree;
      tags = allTags;
      known = if name == "lint" then [ ] else everything;
    } "nox --no-venv --session ${name} && touch $out";
in
{
  checks = builtins.listToAttrs (map layerCheck layers) // {
    parity = session "parity";
    tests = session "tests";
    lint = session "lint";
  };

  # verification.yaml of this commit. It says itself whether it passed: a record of a failure is a record. `--cached` takes
  # what is known, where --record alone would measure all of it anew; only what failed is measured again.
  verification =
    inside
      {
        name = "verification";
        files = tree;
        tags = allTags;
        known = everything ++ map experiments [ "torch" "jax" ];
        variables = {
          S30_COMMIT = revision;
        };
      }
      ''
        status=0
        s30 verify ${full} --cached --record $TMPDIR/verification.yaml || status=$?
        [ $status -le 1 ] && [ -f $TMPDIR/verification.yaml ] || exit 1
        mkdir $out
        cp $TMPDIR/verification.yaml $out
      '';
}
