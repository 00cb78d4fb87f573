{
  description = "Stands in for nixpkgs where it cannot be had: the attributes of attributes.txt and no others";

  outputs =
    _:
    let
      genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
    in
    {
      lib = { inherit genAttrs; };
      legacyPackages = genAttrs [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ] (import ./packages.nix);
    };
}
