"""Cache and loop serve a target of another kind: a class for every pixel."""

import json


def test_maps_of_body_parts_are_cached_learned_and_exported(child, tmp_path):
    child("train_parts", tmp_path)
    facts = json.loads((tmp_path / "facts.json").read_text(encoding="utf-8"))
    assert facts["losses"][-1] < 0.5 * facts["losses"][0]
    assert facts["shape"] == [4, 32, 32, 17] and facts["difference"] < 1e-5
    assert 0.02 < facts["people"] < 0.9
    assert facts["right"] > 0.3, "of the pixels that show somebody; chance is 1/17"
    assert facts["overlap"] > 0.5
    assert {tuple(each) for each in facts["changed"]} == {(True, False), (False, True)}
    assert "class names" in facts["weights"]
    assert (
        "arrays of (17,). Received: a graph that takes (32, 32, 3) and answers with (32, 32, 17)"
        in (facts["another shape"])
    )
