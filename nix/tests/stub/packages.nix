# Packages are derivations that instantiate and never build. Functions take the arguments that nixpkgs' own take, and fail on
# any other. Each attribute says on standard error that it was asked for.
system:
let
  isLinux = builtins.match ".*-linux" system != null;

  package =
    name: attributes:
    derivation (
      {
        inherit name system;
        builder = "/bin/sh";
        args = [
          "-c"
          "echo this is a stub and builds nothing >&2; exit 1"
        ];
      }
      // attributes
    );

  cubical = package "cubical" { } // {
    libraryFile = "cubical.agda-lib";
  };

  # Has outputs, as nixpkgs' library and compiler packages do.
  split =
    name:
    package name {
      outputs = [
        "out"
        "bin"
        "lib"
      ];
    };

  # What is more than a plain package.
  special = {
    "agda.withPackages" =
      choose:
      package "agdaWithPackages" { libraries = map (p: "${p}/${p.libraryFile}") (choose present.agdaPackages); }
      // {
        unwrapped = split "Agda";
      };
    "agdaPackages.cubical" = cubical;
    "dockerTools.streamLayeredImage" =
      {
        name,
        tag ? null,
        contents ? [ ],
        config ? { },
        fakeRootCommands ? "",
      }:
      assert isLinux;
      package name {
        inherit tag contents fakeRootCommands;
        config = builtins.toJSON config;
      };
    "fakeNss.override" =
      {
        extraPasswdLines ? [ ],
        extraGroupLines ? [ ],
      }:
      package "fake-nss" { inherit extraPasswdLines extraGroupLines; };
    "lib.getBin" = p: p.bin or p.out or p;
    "lib.getLib" = p: p.lib or p.out or p;
    "llvmPackages.llvm" = split "llvm";
    "mkShell" =
      {
        packages ? [ ],
        env ? { },
        shellHook ? "",
      }:
      package "nix-shell" (env // { inherit packages shellHook; });
    "python3.withPackages" = choose: package "python3-env" { paths = choose present.python3Packages; };
    "runCommand" =
      name: attributes: script:
      package name (attributes // { inherit script; });
    "stdenv.hostPlatform.extensions.sharedLibrary" = if isLinux then ".so" else ".dylib";
    "stdenv.hostPlatform.isLinux" = isLinux;
    "writeShellScript" = name: text: package name { inherit text; };
    "writeShellScriptBin" = name: text: package name { inherit text; };
  };

  names =
    let
      lines = builtins.split "\n" (builtins.readFile ./attributes.txt);
      named = line: if builtins.isString line then builtins.match "([^# ]+) .*" line else null;
    in
    builtins.concatMap (line: if named line == null then [ ] else named line) lines;

  leaf = name: builtins.trace "asked for ${name}" (special.${name} or (package (baseNameOf name) { }));

  # Two dotted names of one head become one set; a head that is itself a name (python3) stays a package that has more.
  nest =
    prefix: paths:
    builtins.mapAttrs (
      head: below:
      let
        name = if prefix == "" then head else "${prefix}.${head}";
        tails = map builtins.tail below;
        deeper = builtins.filter (tail: tail != [ ]) tails;
      in
      if deeper == [ ] then
        leaf name
      else
        nest name deeper // (if builtins.elem [ ] tails then leaf name else { })
    ) (builtins.groupBy builtins.head paths);

  present = nest "" (map (name: builtins.filter builtins.isString (builtins.split "\\." name)) names);
in
present
