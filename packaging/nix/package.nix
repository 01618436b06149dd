# nix-build -E 'with import <nixpkgs> {}; callPackage ./packaging/nix/package.nix {}'
{ lib, python3Packages, installShellFiles }:

python3Packages.buildPythonApplication {
  pname = "layertui";
  version = builtins.head (builtins.match ".*__version__ = \"([^\"]+)\".*"
    (builtins.readFile ../../tui/layertui/__init__.py));
  pyproject = true;
  src = lib.cleanSource ../..;

  build-system = [ python3Packages.hatchling ];
  nativeBuildInputs = [ installShellFiles ];
  dependencies = with python3Packages; [
    ahocorasick-rs
    argcomplete
    charset-normalizer
    humanize
    isal
    msgspec
    platformdirs
    pygments
    pyyaml
    requests
    textual
    tomlkit
    urllib3
    zlib-ng
    zstandard
  ];
  pythonImportsCheck = [ "layertui.cli" ];

  postInstall = ''
    for shell in bash zsh fish; do
      installShellCompletion --cmd layertui --$shell <($out/bin/layertui completion $shell)
    done
  '';

  meta = {
    description = "Terminal explorer for container images";
    homepage = "https://github.com/layertui/layertui";
    license = lib.licenses.asl20;
    mainProgram = "layertui";
    platforms = lib.platforms.unix;
  };
}
