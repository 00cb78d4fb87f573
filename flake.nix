{
  description = "Thirty papers of deep learning, each as one small object in six layers, and an engine that measures how far they agree";

  # nixos-26.05 of 2026-09-11. flake.lock holds the hash; `nox -s nix` refuses a lock of another revision.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/21a67dc470149f337cecafbe965d8d252a390518";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ];
      rooms = nixpkgs.lib.genAttrs systems (
        system:
        import ./nix {
          pkgs = nixpkgs.legacyPackages.${system};
          tree = self;
          revision = self.rev or self.dirtyRev or "unknown";
        }
      );
      outputs = name: builtins.mapAttrs (_: room: room.${name}) rooms;
    in
    {
      packages = outputs "packages";
      devShells = outputs "devShells";
      checks = outputs "checks";
      apps = outputs "apps";
      formatter = outputs "formatter";
    };
}
