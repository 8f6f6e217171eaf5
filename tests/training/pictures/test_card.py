"""The card of a model of pictures says whose body parts it sees."""

from pose_activity.cache.options import PersonView
from pose_activity.cache.planes import Recipe
from pose_activity.training.pictures.card import _drawn_rows


def test_rows_of_what_is_drawn() -> None:
    heatmap = dict(_drawn_rows(Recipe()))
    assert [*heatmap] == ["people shown", "heatmap"]
    parts = dict(_drawn_rows(Recipe(("rgb", "parts"), parts="0123456789abcdef99")))
    assert [*parts] == ["body parts", "people shown"]
    assert parts["body parts"] == "by the network with sha256 0123456789abcdef, parts.onnx"
    view = dict(_drawn_rows(Recipe(("rgb",), person_view=PersonView(planes=("rgb", "heatmap")))))
    assert [*view] == ["person's view", "its person", "its heatmap"]
