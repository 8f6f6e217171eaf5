"""Classifiers of vectors: numpy answers as scikit-learn does, and files say what is wrong."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from pose_activity.annotations.readers.feature_table import read_features
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier.options import LinearOptions
from pose_activity.stage2_classifier.vectors import linear
from pose_activity.stage2_classifier.vectors.fit import cross_validate, fit
from pose_activity.stage2_classifier.vectors.linear import Linear, Member, average

ROOT = Path(__file__).resolve().parents[2]


def draw(classes: int, rows: int = 90, size: int = 12, seed: int = 0):
    """Overlapping clouds, one of their numbers constant, far from 0 and of uneven scale."""
    rng = np.random.default_rng(seed)
    ids = np.arange(rows) % classes
    centres = rng.normal(0, 1.2, (classes, size))
    vectors = (centres[ids] + rng.normal(size=(rows, size))) * rng.uniform(0.3, 2, size) + 1
    vectors[:, 3] = 0.7
    return vectors.astype(np.float32), [f"class {i}" for i in ids]


def machine(kind: str, classes: int):
    """The estimator that a kind stands for, and how its answers become probabilities."""
    return {
        "logistic": OneVsRestClassifier(LogisticRegression(solver="liblinear", C=0.7)),
        "softmax": LogisticRegression(C=0.7, max_iter=20_000),
        "svm": LinearSVC(C=0.7, max_iter=20_000, random_state=0),
        "rbf": OneVsRestClassifier(SVC(C=0.7, gamma="scale")),
        "lda": LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        "ridge": RidgeClassifier(alpha=1 / 0.7, class_weight="balanced"),
    }[kind]


def by_scikit_learn(kind, classes, unit, standardise, vectors, labels, others):
    steps = [Normalizer()] * unit + [StandardScaler()] * standardise
    fitted = make_pipeline(*steps, machine(kind, classes)).fit(vectors.astype(float), labels)
    if kind not in ("svm", "rbf", "ridge"):
        return fitted.predict_proba(others.astype(float)), fitted.predict(others.astype(float))
    margins = fitted.decision_function(others.astype(float))
    if classes == 2:
        margins = np.stack([np.zeros(len(margins)), margins], axis=1)
    return softmax(margins, axis=1), fitted.predict(others.astype(float))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("unit", "standardise"), [(False, True), (True, False), (True, True)])
@pytest.mark.parametrize("kind", ["logistic", "softmax", "svm", "rbf", "lda", "ridge"])
def test_answers_as_scikit_learn_does_also_when_loaded(tmp_path, kind, unit, standardise, classes):
    vectors, labels = draw(classes)
    others = draw(classes, rows=40, seed=1)[0]
    before = vectors.copy()
    fitted = fit(vectors, labels, LinearOptions(kind, 0.7, standardise, l2_normalize=unit))
    expected, names = by_scikit_learn(kind, classes, unit, standardise, vectors, labels, others)
    linear.save(tmp_path, fitted)
    loaded = linear.load(tmp_path)
    found = loaded(others)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert [loaded.classes[i] for i in found.argmax(1)] == list(names)
    assert (found == fitted(others)).all()
    assert (vectors == before).all()


def test_classes_of_the_file_and_few_vectors(tmp_path):
    vectors, labels = draw(3)
    linear.save(tmp_path, fit(vectors, labels))
    loaded = linear.load(tmp_path)
    assert loaded.classes == ("class 0", "class 1", "class 2")
    assert loaded.dimension == 12
    assert loaded(vectors[:0]).shape == (0, 3)
    np.testing.assert_allclose(loaded(vectors[:1]), loaded(vectors)[:1], atol=1e-7)
    assert loaded.ids(["class 2", "class 0"]).tolist() == [2, 0]


def test_extreme_margins_give_probabilities():
    member = Member(np.zeros(1), np.ones(1), np.array([[1.0], [-1.0]]), np.zeros(2), link="sigmoid")
    found = Linear("ab", [member])(np.array([[5000.0], [-5000.0]]))
    assert found.tolist() == [[1, 0], [0, 1]]
    far = Member(np.zeros(1), np.ones(1), np.array([[-1.0], [-1.0]]), np.zeros(2), link="sigmoid")
    assert Linear("ab", [far])(np.array([[5000.0]])).tolist() == [[0.5, 0.5]]


def test_prediction_needs_numpy_alone(tmp_path):
    vectors, labels = draw(3)
    svm, rbf = (fit(vectors, labels, LinearOptions(kind)) for kind in ("svm", "rbf"))
    linear.save(tmp_path, average([svm, rbf]))
    np.save(tmp_path / "vectors.npy", vectors)
    script = """
import sys
for name in ("sklearn", "scipy", "pandas", "pyarrow", "joblib"):
    sys.modules[name] = None
import numpy as np
from pathlib import Path
from pose_activity.stage2_classifier.options import LinearOptions
from pose_activity.stage2_classifier.vectors import linear
folder = Path(sys.argv[1])
np.save(folder / "found.npy", linear.load(folder)(np.load(folder / "vectors.npy")))
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(
        np.load(tmp_path / "found.npy"), np.float32(average([svm, rbf])(vectors))
    )


def test_the_average_is_the_mean(tmp_path):
    vectors, labels = draw(3)
    one = fit(vectors, labels)
    other = fit(vectors, labels, LinearOptions("rbf", l2_normalize=True))
    both = average([one, other])
    np.testing.assert_allclose(both(vectors), (one(vectors) + other(vectors)) / 2, atol=1e-7)
    with pytest.raises(ValueError, match="same classes in the same order. Received: .*class 2"):
        average([one, fit(*draw(2))])
    with pytest.raises(ValueError, match="Received: none"):
        average([])


def test_a_temperature_is_fitted_on_vectors_held_back():
    vectors, labels = draw(3, rows=240)
    svm, groups = LinearOptions("svm"), [str(i // 4) for i in range(240)]
    plain = fit(vectors, labels, svm)
    calibrated = fit(vectors, labels, replace(svm, calibration_folds=4), groups=groups)
    held = cross_validate(vectors, labels, svm, folds=4, groups=groups)
    best = min(
        np.linspace(0.05, 3, 400),
        key=lambda t: -log_softmax(np.log(held.probabilities) / t, 1)[range(240), held.ids].mean(),
    )
    assert calibrated.members[0].temperature == pytest.approx(best, abs=0.01)
    assert calibrated.members[0].temperature != 1
    expected = calibrate.apply(plain(vectors).astype(float), calibrated.members[0].temperature)
    np.testing.assert_allclose(calibrated(vectors), expected, atol=1e-6)


def test_cross_validation_holds_back_every_vector_once():
    vectors, labels = draw(3)
    told = []
    lda = LinearOptions("lda")
    held = cross_validate(
        vectors, labels, lda, folds=5, on_progress=lambda *said: told.append(said)
    )
    assert sorted(np.bincount(held.folds)) == [18] * 5
    assert [said[:2] for said in told] == [(i, 5) for i in range(1, 6)]
    for fold in range(5):
        out = held.folds == fold
        learned = [name for name, o in zip(labels, out, strict=True) if not o]
        expected = fit(vectors[~out], learned, lda)(vectors[out])
        np.testing.assert_array_equal(held.probabilities[out], expected)
    right = [held.classes[row.argmax()] for row in held.probabilities]
    assert held.accuracy == np.mean([a == b for a, b in zip(right, labels, strict=True)])


def test_groups_are_never_cut():
    vectors, labels = draw(3)
    groups = [f"scene {i // 6}" for i in range(90)]
    held = cross_validate(vectors, labels, LinearOptions(calibration_folds=2), groups=groups)
    assert all(len({*held.folds[[g == name for g in groups]]}) == 1 for name in groups)
    # What only a group tells is of no help: the copies of a vector are all held back with it.
    rng = np.random.default_rng(0)
    copies = np.repeat(rng.normal(size=(40, 30)), 5, axis=0)
    names = np.repeat(rng.permutation(np.arange(40) % 2), 5).astype(str).tolist()
    scenes = np.repeat(np.arange(40), 5).astype(str).tolist()
    assert cross_validate(copies, names).accuracy == 1
    assert cross_validate(copies, names, groups=scenes).accuracy < 0.8


@pytest.mark.parametrize(("name", "expected"), [("G3D", 0.9487), ("UCF11", 0.7424)])
def test_published_features_give_the_published_figure(data_dir, name, expected):
    train, test = (
        read_features(data_dir / "sequences" / f"{name}_{split}.csv") for split in ("train", "test")
    )
    classifier = fit(train.vectors, train.labels, LinearOptions("logistic", C=1))
    right = classifier(test.vectors).argmax(1) == classifier.ids(test.labels)
    assert round(right.mean(), 4) == expected


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"kind": "forest"}, r"kind must be one of \['logistic', .* Received: 'forest'"),
        ({"C": 0}, "C must be above 0. Received: 0"),
        ({"gamma": -1.0}, "gamma must be above 0. Received: -1.0"),
        ({"shrinkage": 1.5}, r"shrinkage must lie in \[0, 1\]. Received: 1.5"),
        ({"calibration_folds": 1}, "two folds or more. Received: 1"),
        ({"calibration_folds": 31}, r"in 31 groups .* Received: 'class 0' \(30\)"),
    ],
)
def test_wrong_options_are_refused(options, match):
    vectors, labels = draw(3)
    with pytest.raises(ValueError, match=match):
        fit(vectors, labels, LinearOptions(**options))


@pytest.mark.parametrize(
    ("groups", "match"),
    [
        (["x"], "one per vector, 90 in all. Received: 1"),
        (["x"] * 90, r"in 2 groups .* 'class 0' \(1\)"),
    ],
)
def test_wrong_groups_are_refused(groups, match):
    vectors, labels = draw(3)
    with pytest.raises(ValueError, match=match):
        fit(vectors, labels, LinearOptions(calibration_folds=2), groups=groups)


@pytest.mark.parametrize(
    ("vectors", "labels", "match"),
    [
        (np.ones((3, 2)), ["a", "b"], "one class per vector, 3 in all. Received: 2"),
        (np.ones((2, 2)), ["a", "a"], r"two classes or more. Received: \['a'\]"),
        (np.ones((2, 0)), ["a", "b"], r"\(N, D\). Received: float64 \(2, 0\)"),
        (np.ones(2), ["a", "b"], r"Received: float64 \(2,\)"),
        (np.array([["1"], ["2"]]), ["a", "b"], "real numbers.* Received: <U1"),
        (np.array([[1.0], [np.nan]]), ["a", "b"], "NaN or infinite in 1 of 2 rows: 1"),
    ],
)
def test_wrong_vectors_are_refused(vectors, labels, match):
    with pytest.raises(ValueError, match=match):
        fit(vectors, labels)


def test_a_classifier_refuses_what_it_was_not_made_for():
    classifier = fit(*draw(3))
    with pytest.raises(ValueError, match=r"\(N, 12\). Received: float64 \(2, 11\)"):
        classifier(np.ones((2, 11)))
    with pytest.raises(ValueError, match="finite.* 1 of 2 rows: 0. Leave them out"):
        classifier(np.array([[np.inf] * 12, [0.0] * 12]))
    with pytest.raises(ValueError, match="class 0, class 1.* Received: 'flying'. Leave them out"):
        classifier.ids(["class 0", "flying"])


def edit(folder: Path, **changes) -> None:
    path = folder / linear.SIDECAR
    value = json.loads(path.read_text(encoding="utf-8"))
    for name, change in changes.items():
        at = value["members"][0] if name in ("link", "temperature", "gamma", "unit") else value
        at[name] = change
    path.write_text(json.dumps(value), encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": "linear-9"}, "format 'linear-9' is not"),
        ({"sha256": "00"}, "linear.npz is not the file that it describes"),
        ({"classes": ["a", "b"]}, r"answer with 2 classes.* Received .*\(3, 12\)"),
        ({"classes": ["a", "b", "b"]}, "two classes or more, each once. Received: a, b, b"),
        ({"classes": None}, "TypeError"),
        ({"classes": ["a", "b", 3]}, "are not all texts"),
        ({"dimension": 7}, "dimension 7 is not 12"),
        ({"members": []}, "no members"),
        ({"members": [{}]}, "KeyError"),
        ({"link": "tanh"}, "link 'tanh', which is none of"),
        ({"temperature": 0}, "temperature 0, which is not positive"),
        ({"gamma": -1}, "gamma -1, which is negative"),
        ({"unit": "yes"}, "unit 'yes', which is neither true nor false"),
    ],
)
def test_a_damaged_sidecar_is_refused(tmp_path, changes, match):
    linear.save(tmp_path, fit(*draw(3)))
    edit(tmp_path, **changes)
    with pytest.raises(ValueError, match=f"linear.json is damaged .*{match}.* again"):
        linear.load(tmp_path)


def test_damaged_numbers_are_refused(tmp_path):
    from pose_activity.artifacts.manifest import sha256_file

    fitted = fit(*draw(3))
    good = fitted.members[0].arrays
    cases = {
        "scale .* instead of": {"scale": np.ones(5)},
        "weights .* instead of": {"weights": np.ones((3, 5))},
        "mean of shape": {"mean": np.ones((2, 2))},
        "NaN or infinite": {"weights": np.full((3, 12), np.nan)},
        "scale that is not positive": {"scale": np.zeros(12)},
        "allow_pickle": {"bias": np.array([None] * 3)},
        "pickle": b"no numbers",
        "not a zip file": b"PK\x03\x04, cut off",
        "EOFError": b"",
    }
    for match, changes in cases.items():
        linear.save(tmp_path, fitted)
        if isinstance(changes, bytes):
            (tmp_path / linear.NUMBERS).write_bytes(changes)
        else:
            np.savez(tmp_path / "linear.npz", **{f"0.{k}": v for k, v in (good | changes).items()})
        edit(tmp_path, sha256=sha256_file(tmp_path / linear.NUMBERS))
        with pytest.raises(ValueError, match=f"linear.json is damaged .*({match})"):
            linear.load(tmp_path)


def test_missing_and_unreadable_files(tmp_path):
    linear.save(tmp_path, fit(*draw(3)))
    (tmp_path / linear.SIDECAR).write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="linear.json is damaged"):
        linear.load(tmp_path)
    (tmp_path / linear.NUMBERS).unlink()
    with pytest.raises(FileNotFoundError, match="linear.npz is missing. Fit and save"):
        linear.load(tmp_path)
