# brew install --HEAD ./packaging/homebrew/layertui.rb
class Layertui < Formula
  include Language::Python::Virtualenv

  desc "Terminal explorer for container images"
  homepage "https://github.com/layertui/layertui"
  license "Apache-2.0"
  head "https://github.com/layertui/layertui.git", branch: "main"

  depends_on "python@3.13"

  def install
    venv = virtualenv_create(libexec, "python3.13", without_pip: false)
    system venv.root/"bin/python", "-m", "pip", "install", "--constraint", "constraints.txt", buildpath
    bin.install_symlink libexec/"bin/layertui"
    man1.install_symlink libexec/"share/man/man1/layertui.1"
    generate_completions_from_executable(bin/"layertui", "completion", shells: [:bash, :zsh, :fish])
  end

  test do
    assert_match "/etc/motd", shell_output("#{bin}/layertui tree demo: /etc/motd")
  end
end
