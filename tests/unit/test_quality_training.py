"""Training: what comes out, that it is the same every time, and what is said of bad input."""

from __future__ import annotations

import gzip
import math
import random
from pathlib import Path

import numpy as np
import pytest
import zstandard
from click.testing import CliRunner
from hypothesis import given, settings, strategies as st

import curate.quality.scoring
from curate.quality.scoring import quality_score
from quality_models.commands import main
from quality_models.evaluate import auc_by_source, evaluate
from quality_models.examples import Examples, clean, length_weights, read_rows, read_texts
from quality_models.fit import FOLDS, fit_calibration, source_folds
from quality_models.grow import GrowConfig, grow_forest
from quality_models.measures import average_precision, calibration_error, precision_recall, roc_auc, roc_curve, spearman
from quality_models.train_quality import (
    ENGLISH_ONLY,
    SIGNALS,
    TrainConfig,
    check_not_swapped,
    train,
    train_examples,
    train_scores,
)
from tests.unit.training_texts import bad_text, examples, good_text, write_lines, write_sides

QUICK = TrainConfig(budget=0.0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model trained on two small files; returns its path, and what `train` gave."""
    folder = tmp_path_factory.mktemp("trained")
    good, bad = write_sides(folder)
    said: list[str] = []
    found = train([good], [bad], folder / "my.zip", QUICK, say=said.append)
    return folder / "my.zip", found, said


def test_a_model_of_ones_own_scores_by_path(trained):
    path, found, _ = trained
    rng = random.Random(7)
    texts = [good_text(rng) for _ in range(20)] + [bad_text(rng) for _ in range(20)]
    scores = np.array([quality_score(text, str(path)) for text in texts])
    assert roc_auc(np.arange(40) < 20, scores) > 0.98
    assert found.evaluation.auc > 0.95
    assert found.model.classifier is not None


def test_it_is_written_with_card_curves_and_sha256(trained):
    path, found, said = trained
    page, card = path.with_suffix(".html").read_text(), path.with_suffix(".md").read_text()
    assert page.count("<svg") == 3
    assert "<polyline" in page
    assert all(f"good{i}" in page and f"bad{i}" in page and f"good{i}" in card for i in range(3))
    digest = path.with_name("my.zip.sha256").read_text().split()[0]
    assert digest in card
    assert path.stat().st_size <= 5e6
    assert found.model.facts["lengths"] == "balanced"
    assert set(found.evaluation.unseen) == {"good0", "good1", "good2", "bad0", "bad1", "bad2"}
    assert any("300 documents read" in line for line in said)


def test_the_order_and_cutting_of_the_input_change_nothing(trained, tmp_path):
    path, _, _ = trained
    for name in ("good", "bad"):
        rows = list(read_rows(path.parent / f"{name}.jsonl"))
        random.Random(3).shuffle(rows)
        write_lines(tmp_path / f"{name}1.jsonl", rows[:40])
        with gzip.open(tmp_path / f"{name}2.jsonl.gz", "wb") as file:
            write_lines(tmp_path / "rest.jsonl", rows[40:])
            file.write((tmp_path / "rest.jsonl").read_bytes())
    good = [tmp_path / "good2.jsonl.gz", tmp_path / "good1.jsonl"]
    bad = [tmp_path / "bad1.jsonl", tmp_path / "bad2.jsonl.gz"]
    train(good, bad, tmp_path / "again.zip", QUICK)
    assert (tmp_path / "again.zip").read_bytes() == path.read_bytes()


def test_tuning_stops_early_and_is_written_down():
    said: list[str] = []
    found = train_examples(examples(60), TrainConfig(budget=math.inf), said.append)
    trials = found.model.facts["tuning"]
    assert 3 <= len(trials) < 12
    assert all(0 <= trial["auc"] <= 1 for trial in trials)
    assert sum("unseen" in line for line in said) == len(trials)


def test_a_model_over_signals_alone():
    found = train_examples(examples(60), TrainConfig("", budget=0.0, with_text=False))
    assert found.model.classifier is None
    assert found.classifier is None
    assert found.evaluation.auc > 0.95


def test_signals_exist():
    from curate.filters.signals import signal_names

    assert set(SIGNALS) <= set(signal_names())
    assert set(SIGNALS) >= ENGLISH_ONLY
    assert len(set(SIGNALS)) == len(SIGNALS)


# --- annotate and distil


def test_scores_from_a_judge_are_learnt(tmp_path):
    rng = random.Random(0)
    rows = []
    for _ in range(400):
        grade = rng.randrange(6)  # 0 to 5, as FineWeb-Edu's judge gives them
        pieces = [good_text(rng) for _ in range(grade)] + [bad_text(rng) for _ in range(5 - grade)]
        rng.shuffle(pieces)
        rows.append({"text": "\n".join(pieces), "grade": grade})
    write_lines(tmp_path / "judged.jsonl", rows)
    found = train_scores([tmp_path / "judged.jsonl"], tmp_path / "m.zip", QUICK, score_field="grade")
    assert found.model.facts["scores"] == {"0": 0.0, "1": 5.0}
    assert found.evaluation.rank_correlation > 0.7
    assert quality_score(good_text(rng) * 5, str(tmp_path / "m.zip")) > 0.6
    assert quality_score(bad_text(rng) * 5, str(tmp_path / "m.zip")) < 0.4


@pytest.mark.parametrize("score", [None, "4", True, float("nan")])
def test_a_score_that_is_no_number(tmp_path, score):
    path = tmp_path / "judged.jsonl"
    text = str(score).replace("None", "null").replace("True", "true").replace("4", '"4"').replace("nan", "NaN")
    path.write_text('{"text": "a", "score": 1}\n{"text": "b", "score": ' + text + "}\n")
    with pytest.raises(ValueError, match=r"judged\.jsonl, row 2: 'score' is .*, not a number"):
        train_scores([path], tmp_path / "m.zip")


def test_scores_that_are_all_the_same(tmp_path):
    write_lines(tmp_path / "judged.jsonl", [{"text": f"text {i}", "score": 3} for i in range(9)])
    with pytest.raises(ValueError, match="every 'score' is 3: there is nothing to learn"):
        train_scores([tmp_path / "judged.jsonl"], tmp_path / "m.zip")


# --- bad input


def test_one_side_empty(tmp_path):
    good, _ = write_sides(tmp_path, 60)
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with pytest.raises(ValueError, match="0 usable negative documents, at least 50 are needed"):
        train([good], [tmp_path / "empty.jsonl"], tmp_path / "m.zip", QUICK)


def test_the_same_documents_on_both_sides(tmp_path):
    good, _ = write_sides(tmp_path, 60)
    with pytest.raises(ValueError, match=r"0 usable positive documents.*contradictions"):
        train([good], [good], tmp_path / "m.zip", QUICK)


def test_sides_exchanged(tmp_path):
    good, bad = write_sides(tmp_path, 60)
    quick = TrainConfig(with_text=False)
    with pytest.raises(ValueError, match="check that the two sides are not swapped"):
        train([bad], [good], tmp_path / "m.zip", quick)
    assert not (tmp_path / "m.zip").exists()
    train([bad], [good], tmp_path / "m.zip", quick, trust_labels=True)
    check_not_swapped(examples(60), "en")
    with pytest.raises(ValueError, match="check that the two sides are not swapped"):
        train([bad], [good], tmp_path / "de.zip", TrainConfig(language="de", with_text=False))
    judged = [{"text": row["text"], "score": -1} for row in read_rows(good)]
    judged += [{"text": row["text"], "score": 3} for row in read_rows(bad)]
    write_lines(tmp_path / "judged.jsonl", judged)
    with pytest.raises(ValueError, match="or the scores reversed"):
        train_scores([tmp_path / "judged.jsonl"], tmp_path / "score.zip", quick)
    assert not (tmp_path / "score.zip").exists()


def test_labels_that_mean_nothing(tmp_path):
    rng = random.Random(0)
    for name in ("a", "b"):
        write_lines(tmp_path / f"{name}.jsonl", [{"text": good_text(rng)} for _ in range(400)])
    with pytest.raises(ValueError, match="nothing was learnt"):
        train([tmp_path / "a.jsonl"], [tmp_path / "b.jsonl"], tmp_path / "m.zip", TrainConfig(with_text=False))
    assert not (tmp_path / "m.zip").exists()


def test_text_that_is_not_utf8(tmp_path):
    path = tmp_path / "latin1.jsonl"
    path.write_bytes('{"text": "a"}\n{"text": "Käse"}\n'.encode("latin1"))
    with pytest.raises(
        ValueError, match=r"latin1\.jsonl, line 2: not UTF-8 \(byte 0xe4 at 11\): convert the file first"
    ):
        list(read_rows(path))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{text: 1}", "line 1: not JSON"),
        ("[1]", "line 1: a list, not an object"),
        ('{"body": "a"}', "no text in the field"),
    ],
)
def test_lines_that_hold_no_text(tmp_path, line, message):
    path = tmp_path / "odd.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ValueError, match=message):
        read_texts([path])


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_file_that_was_cut_off(tmp_path, suffix):
    data = b'{"text": "%s"}\n' % (b"a" * 5000) * 20
    packed = gzip.compress(data) if suffix == ".gz" else zstandard.compress(data)
    path = tmp_path / f"cut.jsonl{suffix}"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ValueError, match="cannot be decompressed, it is damaged or cut off"):
        list(read_rows(path))


def test_lone_surrogates_are_texts_like_any_other(tmp_path):
    path = tmp_path / "odd.jsonl"
    path.write_text('{"text": "a \\ud83d b"}\n')
    texts, sources, _ = read_texts([path])
    assert texts == ["a \ud83d b"]
    assert sources == ["odd"]
    found, _ = clean(Examples(texts, np.ones(1), sources))
    assert found.texts == texts


def test_an_output_that_cannot_be(tmp_path):
    with pytest.raises(ValueError, match=r"does not end in \.zip"):
        train([], [], tmp_path / "model.bin")
    with pytest.raises(ValueError, match="create it first"):
        train([], [], tmp_path / "no" / "model.zip")


def test_the_command_line_says_what_is_wrong_in_a_line(tmp_path):
    arguments = ["quality", "--positive", "none.jsonl", "--negative", "none.jsonl", "--output", str(tmp_path / "m.zip")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Error: no file none.jsonl: give JSON lines")


def test_the_command_line_knows_languages(tmp_path):
    good, bad = write_sides(tmp_path, 60)
    arguments = ["quality", "--positive", good, "--negative", bad, "--output", str(tmp_path / "m.zip")]
    result = CliRunner().invoke(main, [*arguments, "--language", "klingonn"])
    assert result.exit_code == 1
    assert "klingonn" in result.output


def test_the_command_line_measures(tmp_path):
    good, bad = write_sides(tmp_path, 60)
    page = tmp_path / "page.html"
    result = CliRunner().invoke(main, ["evaluate", "--positive", good, "--negative", bad, "--page", str(page)])
    assert result.exit_code == 0, result.output
    assert "ROC AUC" in result.output
    assert page.read_text().count("<svg") == 3
    (tmp_path / "none.jsonl").write_bytes(b"")
    result = CliRunner().invoke(main, ["evaluate", "--positive", good, "--negative", str(tmp_path / "none.jsonl")])
    assert result.exit_code == 1
    assert "one side has no documents" in result.output
    sides = ["--positive", good, "--negative", bad]
    shipped = str(Path(curate.quality.scoring.ENGLISH))
    result = CliRunner().invoke(main, ["evaluate", shipped, *sides, "--language", "de"])
    assert result.exit_code == 1
    assert "is a model for 'en', but the documents are in 'de'" in result.output
    result = CliRunner().invoke(main, ["evaluate", *sides, "--page", str(tmp_path / "no" / "page.html")])
    assert "there is no folder" in result.output


def test_the_command_line_trains(tmp_path):
    good, bad = write_sides(tmp_path, 60)
    arguments = ["quality", "--positive", good, "--negative", bad, "--output", str(tmp_path / "m.zip"), "--budget", "0"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "ROC AUC" in result.output
    assert Path(tmp_path / "m.html").is_file()


# --- examples

_texts = st.lists(st.tuples(st.text("ab c.", max_size=8), st.booleans(), st.sampled_from("xy")), max_size=30)


@given(_texts, st.randoms(use_true_random=False))
def test_cleaning_does_not_hang_on_order_and_leaves_no_copies(rows, rng):
    def cleaned(rows):
        texts, targets, sources = zip(*rows, strict=True) if rows else ((), (), ())
        return clean(Examples(list(texts), np.array(targets, np.float64), list(sources)))

    found, counts = cleaned(rows)
    shuffled = list(rows)
    rng.shuffle(shuffled)
    again, counts_again = cleaned(shuffled)
    assert (found.texts, found.targets.tolist(), found.sources) == (again.texts, again.targets.tolist(), again.sources)
    assert counts == counts_again
    assert len(found.texts) + sum(counts.values()) == len(rows)
    assert cleaned(list(zip(found.texts, found.targets, found.sources, strict=True)))[1] == {}


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 1)), min_size=1, max_size=60))
def test_length_weights_balance_each_bin_or_stop_at_the_most(rows):
    lengths, targets = (np.array(column) for column in zip(*rows, strict=True))
    weights = length_weights(lengths, targets, most=1e9)
    for b in np.unique(np.log2(lengths).astype(int)):
        here = np.log2(lengths).astype(int) == b
        positive, negative = targets[here].sum(), (1 - targets[here]).sum()
        if min(positive, negative) < 1e-6:
            continue
        # the part of each document's weight that is of a side, as its target has it
        p = (targets[here] / positive).sum() * here.sum() / 2
        assert math.isclose(weights[here].sum(), here.sum(), rel_tol=1e-9)
        assert math.isclose(p, here.sum() / 2, rel_tol=1e-9)
    assert (length_weights(lengths, targets) <= 5).all()


def test_folds_keep_sources_whole_where_there_are_enough():
    found = examples(90)
    folds = source_folds(found)
    for source in set(found.sources):
        assert len({int(f) for f, s in zip(folds, found.sources, strict=True) if s == source}) == 1
    one = Examples(found.texts, found.targets, ["file"] * len(found.texts))
    for side in (0, 1):
        assert np.bincount(source_folds(one)[one.targets == side], minlength=FOLDS).tolist() == [30, 30, 30]


# --- forests


def reference_prediction(forest, row):
    """The mean over the trees, by walking them in plain Python."""
    total = 0.0
    for node in forest.roots.tolist():
        while forest.feature[node] >= 0:
            node = int(forest.left[node]) + (row[forest.feature[node]] > forest.value[node])
        total += forest.value[node]
    return total / len(forest.roots)


def small_forest(seed=1, n=300, trees=9, min_leaf=5):
    random = np.random.default_rng(0)
    rows = random.normal(size=(n, 4))
    targets = ((rows[:, 0] > 0) ^ (rows[:, 1] > 0)).astype(np.float64)  # neither column says anything alone
    grow = GrowConfig(trees=trees, min_leaf=min_leaf, tries=4, seed=seed)
    return grow_forest(("a", "b", "c", "d"), rows, targets, np.ones(n), grow), rows, targets


def test_predictions_are_those_of_a_plain_walk():
    forest, rows, _ = small_forest()
    forest.check()
    expected = [reference_prediction(forest, row) for row in rows]
    assert np.allclose(forest.predict(rows), expected, rtol=0, atol=1e-12)


def test_a_forest_learns_what_no_single_feature_shows():
    forest, _, _ = small_forest(trees=60, n=2000)
    fresh = np.random.default_rng(1).normal(size=(500, 4))
    assert roc_auc((fresh[:, 0] > 0) ^ (fresh[:, 1] > 0), forest.predict(fresh)) > 0.95


def test_the_same_forest_every_time_and_another_for_another_seed():
    (a, rows, _), (b, _, _), (c, _, _) = small_forest(), small_forest(), small_forest(seed=2)
    assert all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("roots", "feature", "value", "left"))
    assert not np.array_equal(a.predict(rows), c.predict(rows))


def test_leaves_hold_enough_documents_and_predict_their_mean():
    n = 200
    rows, targets = np.arange(n, dtype=np.float64)[:, None], (np.arange(n) >= 100).astype(np.float64)
    forest = grow_forest(("a",), rows, targets, np.ones(n), GrowConfig(trees=1, min_leaf=20, tries=1))
    leaves = forest.value[forest.feature < 0]
    assert len(leaves) <= n // 20
    assert ((leaves >= 0) & (leaves <= 1)).all()
    assert forest.predict(np.array([[0.0], [199.0]])).tolist() == [0.0, 1.0]


def test_weights_count():
    rows, targets = np.zeros((100, 1)), np.repeat([0.0, 1.0], 50)  # nothing to split on: one leaf, a weighted mean
    forest = grow_forest(("a",), rows, targets, np.repeat([1.0, 3.0], 50), GrowConfig(trees=200))
    assert abs(float(forest.predict(rows[:1])[0]) - 0.75) < 0.02


# --- measures, against their definitions

_scored = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


@given(_scored)
def test_areas_and_curves_are_what_they_are_defined_as(rows):
    labels = np.array([label for label, _ in rows])
    scores = np.array([score / 6 for _, score in rows])
    pairs = [(a > b) + (a == b) / 2 for a in scores[labels] for b in scores[~labels]]
    assert math.isclose(roc_auc(labels, scores), float(np.mean(pairs)), abs_tol=1e-12)
    false, true = roc_curve(labels, scores)
    assert math.isclose(float(np.trapezoid(true, false)), roc_auc(labels, scores), abs_tol=1e-12)
    precision, recall = precision_recall(labels, scores)
    for limit, p, r in zip(sorted(set(scores.tolist()), reverse=True), precision, recall, strict=True):
        taken = scores >= limit
        assert math.isclose(p, labels[taken].mean(), abs_tol=1e-12)
        assert math.isclose(r, labels[taken].sum() / labels.sum(), abs_tol=1e-12)
    assert 0 < average_precision(labels, scores) <= 1
    assert 0 <= calibration_error(labels.astype(float), scores) <= 1


def test_rank_correlation_of_the_same_and_the_opposite_order():
    values = np.array([3.0, 1.0, 2.0, 2.0])
    assert math.isclose(spearman(values, values * 5), 1)
    assert math.isclose(spearman(values, -values), -1)
    assert math.isnan(spearman(values, np.ones(4)))


@given(st.floats(0.3, 3), st.floats(-1, 1))
@settings(max_examples=30, deadline=None)
def test_calibration_finds_the_scale_and_offset_that_were_used(scale, offset):
    logits = np.random.default_rng(0).normal(size=4000)
    targets = 1 / (1 + np.exp(-scale * logits - offset))
    found = fit_calibration(1 / (1 + np.exp(-logits)), targets, np.ones(4000))
    assert np.allclose(found, (scale, offset), atol=0.02)


def test_a_source_with_both_sides_is_measured_against_itself():
    targets, scores = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.4, 0.3, 0.9, 0.8])
    assert auc_by_source(targets, scores, ["a", "a", "b", "b"]) == {"a": (2, 1.0), "b": (2, 1.0)}
    assert roc_auc(targets > 0.5, scores) == 0.75


def test_an_evaluation_sees_through_a_score_that_is_only_length():
    random = np.random.default_rng(0)
    lengths = 2.0 ** random.uniform(7, 13, 600)
    targets = (random.random(600) < np.clip(np.log2(lengths) / 6 - 7 / 6, 0, 1)).astype(np.float64)
    found = evaluate(targets, lengths / lengths.max(), lengths, ["s"] * 600)
    assert found.auc == found.length_auc > 0.75
    assert found.within_length_auc < 0.65
    assert found.length_correlation > 0.999
