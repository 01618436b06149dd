"""The file of settings: what it may have, and what writing it keeps."""

import runpy
from pathlib import Path

import pytest

from layertui.model.errors import LayertuiError
from layertui.ui.app import LayertuiApp
from layertui.ui.explorer.screen import ExplorerScreen
from layertui.ui.insight.screen import InsightScreen
from layertui.ui.keys import key_sections
from layertui.ui.settings import ExplorerSettings, Settings, load_settings, settings_file, write_settings
from tests.ui.places import until
from tests.ui.readings import loaded


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "layertui/config.toml"


def load(file: Path, text: str) -> Settings:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return load_settings(file)


def test_the_place_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings_file() == tmp_path / "layertui/config.toml"


def test_defaults_without_a_file(file: Path) -> None:
    assert load_settings(file) == Settings()


def test_values(file: Path) -> None:
    said = 'theme = "nord"\n[explorer]\nsort = "size"\ndetail = false\n'
    assert load(file, said) == Settings("nord", ExplorerSettings(detail=False, sort="size"))


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("theme", "cannot read FILE, invalid TOML: "),
        ("them = 'x'", "unknown them in FILE, did you mean theme"),
        ("[explorer]\nsrot = 'x'", "unknown explorer.srot in FILE, did you mean sort"),
        ("[explorer]\nsort = 'x'", "explorer.sort in FILE has an invalid value, Invalid enum value 'x', see"),
        ("explorer = 1", "explorer in FILE has an invalid value, Expected `object`, got `int`, see"),
        ("[keys]\npreset = 'vi'", "unknown keys.preset vi in FILE, expected one of dive"),
    ],
)
def test_errors_name_file_and_key(file: Path, said: str, error: str) -> None:
    with pytest.raises(LayertuiError) as caught:
        load(file, said)
    assert str(caught.value).replace(str(file), "FILE").startswith(error)


def test_writing_keeps_comments_keys_and_order(file: Path) -> None:
    settings = load(file, '# mine\ntheme = "nord"  # of the north\n\n[keys]\npreset = "dive"\n')
    settings.theme = "gruvbox"
    settings.explorer.sort = "size"
    write_settings(file, settings)
    assert file.read_text() == (
        '# mine\ntheme = "gruvbox"  # of the north\n\n[keys]\npreset = "dive"\n\n[explorer]\nsort = "size"\n'
    )
    assert load_settings(file) == settings


def test_writing_removes_what_is_the_default_again(file: Path) -> None:
    settings = load(file, '[explorer]\nsort = "size"\nview = "all"\n')
    settings.explorer.sort = "name"
    write_settings(file, settings)
    assert file.read_text() == '[explorer]\nview = "all"\n'


def test_a_file_that_cannot_be_read_is_not_replaced(file: Path) -> None:
    load(file, "")
    file.write_bytes(b"\xff = 1")
    with pytest.raises(LayertuiError, match="it is not UTF-8"):
        write_settings(file, Settings("nord"))
    assert file.read_bytes() == b"\xff = 1"


# In the app


async def test_the_explorer_begins_as_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        "textual-light", ExplorerSettings(detail=False, layers="oldest", sort="size", view="all"), keys={}
    )
    app = LayertuiApp("demo:", settings=settings)
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        screen = app.screen
        assert isinstance(screen, ExplorerScreen)
        rows = screen.panes.tree_view.rows
        assert rows is not None and (rows.view, rows.sort) == ("all", "size")
        assert not screen.panes.layer_list.newest_first and not screen.panes.detail.display
        assert app.theme == "textual-light"


async def test_saving_writes_what_was_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    app = LayertuiApp("demo:")
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("s", "v", "d", "r")
        await app.run_action("app.save_settings")
        saved = load_settings(tmp_path / "layertui/config.toml")
    assert saved == Settings(
        "layertui-dark", ExplorerSettings(detail=False, layers="oldest", sort="size", view="changes")
    )


async def test_keys_of_the_settings_act_and_are_in_the_help() -> None:
    app = LayertuiApp("demo:", settings=Settings(keys={"preset": "dive", "insight": "f5"}))
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("ctrl+f", *"python3")
        await until(pilot, lambda: app.focused is not None and getattr(app.focused, "value", "") == "python3")
        await pilot.press("enter")
        uses = [use for _, uses in key_sections(app.screen) for use in uses]
        assert {use.keys for use in uses if use.action == "insight"} == {("f5",)}
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, InsightScreen))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app.is_running)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("[keys]\nfliter = 'f'", "unknown keys.fliter in FILE, did you mean filter"),
        ("[images]\ncolumns = ['nmae']", "images.columns[0] in FILE has an invalid value"),
    ],
)
def test_names_of_keys_and_columns(file: Path, said: str, error: str) -> None:
    with pytest.raises(LayertuiError) as caught:
        load(file, said)
    assert str(caught.value).replace(str(file), "FILE").startswith(error)


def test_an_unknown_theme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(LayertuiError, match=r"unknown theme nrod in .*config.toml, did you mean nord"):
        LayertuiApp(settings=Settings("nrod"))


def test_the_documentation_says_what_all_actions_do() -> None:
    docs = Path(__file__).parents[2] / "docs"
    said = (docs / "settings.md").read_text()
    assert said == runpy.run_path(str(docs / "actions.py"))["settings"](), "make manpage renews it"
    assert "| `out` | `backspace` | Go to the directory above |" in said
