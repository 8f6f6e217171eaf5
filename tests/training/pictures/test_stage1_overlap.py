"""What the reproduction of MPII says in its header, counted on MPII's labels."""

from pathlib import Path

import pytest

from pose_activity.annotations.cleaning.clean import Cleaned
from pose_activity.annotations.cleaning.options import CleanOptions
from pose_activity.annotations.splitting import split
from pose_activity.configs.pictures import load
from pose_activity.training.pictures.stage1_overlap import open_to_stage1, overlap_notes

CONFIGS = Path(__file__).parents[3] / "configs"
MPII = CONFIGS / "mpii.yaml"


def test_what_stage_1_has_seen_of_mpii(mpii_cleaned: Cleaned):
    run = load(MPII)
    assert run.stage1.split and not isinstance(run.split, str) and not run.stage1.keep_apart
    assert run.clean == CleanOptions()
    kept = mpii_cleaned.kept
    stage2, _ = split.split(kept, **run.split.arguments(), seed=run.seed)
    stage1, _ = split.split(kept, **run.stage1.split.arguments(), seed=run.seed)
    both = split.roles_in_both(stage1, stage2)
    assert (both["train", "test"], both["val", "test"]) == (186, 26)
    assert (both["train", "val"], both["val", "val"]) == (101, 109)
    header = MPII.read_text(encoding="utf-8").replace("\n# ", " ")
    assert "trained on 186 of the 1,089 test images (and 101 of val)" in header
    assert "chosen by 26 more (109 of val)" in header
    assert "Stage 1 has seen 212 of the 1,089 pictures of test" in overlap_notes(stage1, stage2)[1]
    apart = load(MPII, ["stage1.keep_apart=true"])
    pool = open_to_stage1(apart, kept, stage2, ())
    stage1, _ = split.split(pool, **run.stage1.split.arguments(), seed=run.seed)
    assert overlap_notes(stage1, stage2) == [] and len(pool) == len(kept) - 2 * 1089


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_only_the_reproduction_lets_stages_overlap(path: Path):
    text = path.read_text(encoding="utf-8")
    assert ("keep_apart: false" in text) == (path.name == "mpii.yaml")
