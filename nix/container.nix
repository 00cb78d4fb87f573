# An image for Docker or Podman, streamed: `$(nix build --print-out-paths .#container) | docker load`. Its user is not root,
# its sources are a tree that this user may write to, and its labels name the revision.
{
  pkgs,
  tree,
  revision,
  s30,
}:
let
  user = "1000";
  home = "/home/s30";
in
pkgs.dockerTools.streamLayeredImage {
  name = "s30";
  tag = revision;
  contents = [
    s30
    pkgs.bashInteractive
    pkgs.coreutils
    (pkgs.fakeNss.override {
      extraPasswdLines = [ "s30:x:${user}:${user}:s30:${home}:/bin/bash" ];
      extraGroupLines = [ "s30:x:${user}:" ];
    })
  ];
  fakeRootCommands = ''
    mkdir -p .${home} tmp
    chmod 1777 tmp
    cp -r ${tree} .${home}/s30
    chmod -R u+w .${home}
    chown -R ${user}:${user} .${home}
  '';
  config = {
    User = "${user}:${user}";
    WorkingDir = "${home}/s30";
    Env = [
      "HOME=${home}"
      "USER=s30"
      "LC_ALL=C.UTF-8"
      "S30_ENVIRONMENT=container"
    ];
    Entrypoint = [ "${s30}/bin/s30" ];
    Cmd = [ "verify" ];
    Labels = {
      "org.opencontainers.image.title" = "s30";
      "org.opencontainers.image.licenses" = "MIT";
      "org.opencontainers.image.revision" = revision;
    };
  };
}
