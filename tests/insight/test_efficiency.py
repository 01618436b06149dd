"""dive's figures: those of its own tests, and the oddities of its rules one by one."""

from __future__ import annotations

from layertui.insight.efficiency import Inefficiency, efficiency
from layertui.model.layer_index import LayerIndex
from layertui.sources import open_image
from tests.images import union_of
from tests.other_projects import fixture
from tests.union.small import layer


def of_fixture(name: str) -> tuple[list[LayerIndex], dict[str, float]]:
    image = open_image(str(fixture(f"wagoodman+dive/.data/test-{name}-image.tar")))
    indexes = union_of(image.layers).indexes
    figures = efficiency(indexes).to_json()
    del figures["inefficient_paths"]
    return indexes, figures


def test_dives_golden_figures() -> None:
    indexes, figures = of_fixture("docker")
    assert figures == {
        "efficiency": 0.9844212134184309,
        "size_bytes": 1220598,
        "user_size_bytes": 66237,
        "wasted_bytes": 32025,
        "user_wasted_percent": 0.4834911001404049,
    }
    assert efficiency(indexes).inefficient == [
        Inefficiency("/root/saved.txt", 2, 12810),
        Inefficiency("/root/example/somefile1.txt", 2, 12810),
        Inefficiency("/root/example/somefile3.txt", 2, 6405),
    ]


def test_dives_figures_of_the_same_image_built_by_kaniko() -> None:
    _, figures = of_fixture("kaniko")
    assert figures.pop("user_wasted_percent") == 46245 / 94677
    assert figures == {
        "efficiency": 0.9793688490216431,
        "size_bytes": 1326410,
        "user_size_bytes": 94677,
        "wasted_bytes": 46245,
    }


def test_a_rewritten_file_counts_as_often_as_it_is_stored() -> None:
    found = efficiency([layer(("-", "/a", {"size": 10})), layer(("-", "/a", {"size": 4}))])
    assert found.efficiency == 4 / 14
    assert found.inefficient == [Inefficiency("/a", 2, 14)]
    assert (found.wasted_bytes, found.user_size_bytes, found.user_wasted_percent) == (14, 4, 3.5)


def test_a_whiteout_of_a_file_counts_nothing_one_of_a_directory_all_that_is_in_it() -> None:
    base = layer(
        ("d", "/d"), ("-", "/d/a", {"size": 10}), ("-", "/d/b", {"size": 5}), ("-", "/f", {"size": 7})
    )
    found = efficiency([base, layer(("wh", "/d"), ("wh", "/f"))])
    assert found.inefficient == [Inefficiency("/f", 2, 7)]  # /d is no leaf in the first layer
    assert found.efficiency == (15 + 15 + 0) / (15 + 15 + 7)


def test_a_directory_that_a_later_layer_implies_is_none_any_more() -> None:
    base = layer(("d", "/d"), ("-", "/d/a", {"size": 10}))
    gone = layer(("wh", "/d"))
    both = layer(("d", "/d"), ("-", "/d/b", {"size": 1}))
    # The same whiteout twice, so that its path is listed: 11 bytes where the directory is one.
    assert efficiency([base, both, gone, both, gone]).inefficient == [
        Inefficiency("/d", 2, 12),
        Inefficiency("/d/b", 2, 2),
    ]
    implied = layer(("-", "/d/b", {"size": 1}))
    assert efficiency([base, implied, gone, implied, gone]).inefficient == [
        Inefficiency("/d/b", 2, 2),
        Inefficiency("/d", 2, 0),
    ]


def test_a_whiteout_of_what_is_not_there_ends_its_layer() -> None:
    base = layer(("-", "/a", {"size": 10}), ("-", "/z", {"size": 10}))
    odd = layer(("-", "/a", {"size": 10}), ("wh", "/never"), ("-", "/z", {"size": 10}))
    found = efficiency([base, odd])
    # Whiteouts sort as ".wh.NAME", before letters: nothing of the layer is counted, and -1 stays.
    assert found.inefficient == [] and found.efficiency == 19 / 20
    assert found.size_bytes == 40


def test_what_an_opaque_whiteout_hides_is_not_wasted() -> None:
    found = efficiency(
        [layer(("d", "/d"), ("-", "/d/a", {"size": 10})), layer(("opq", "/d"), ("-", "/d/b", {"size": 1}))]
    )
    assert (found.efficiency, found.wasted_bytes) == (1.0, 0)


def test_no_bytes() -> None:
    found = efficiency([])
    assert (found.efficiency, found.size_bytes, found.user_wasted_percent) == (1.0, 0, None)
