# Everything that the flake offers for one system.
#
#   pkgs      nixpkgs for that system
#   tree      the whole source tree, as Nix copied it: the tracked files, without .git
#   revision  the commit of the tree, `COMMIT-dirty`, or "unknown"; it goes into thin wrappers alone, so that a commit which
#             changes no measured file measures nothing anew
{
  pkgs,
  tree,
  revision,
}:
let
  environment = import ./environment.nix { inherit pkgs; };
  s30 = import ./s30.nix {
    inherit
      pkgs
      tree
      revision
      environment
      ;
  };
  measured = import ./measured.nix {
    inherit
      pkgs
      tree
      revision
      environment
      ;
  };
  app = name: arguments: {
    type = "app";
    program = "${pkgs.writeShellScript "s30-${name}" ''exec ${s30}/bin/s30 ${arguments} "$@"''}";
  };
in
{
  packages = {
    default = s30;
    inherit s30;
    python = environment.python environment.allTags;
    agda = environment.agda;
    verification = measured.verification;
  }
  // (
    if pkgs.stdenv.hostPlatform.isLinux then
      {
        container = import ./container.nix {
          inherit
            pkgs
            tree
            revision
            s30
            ;
        };
      }
    else
      { }
  );
  devShells = import ./shells.nix { inherit pkgs environment; };
  checks = measured.checks;
  apps = {
    default = app "cli" "";
    verify = app "verify" "verify";
    reproduce = app "reproduce" "reproduce";
  };
  formatter = pkgs.nixfmt-tree;
}
