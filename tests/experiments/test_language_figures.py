"""The figures of text from their records: what is drawn, and how correctors are put in order."""

import language_figures
import numpy as np
import pytest

from selfloop.errors import ConfigError, DataError
from selfloop.metrics.estimates import over_seeds


def rows(arm, losses, **more):
    return [{"arm": arm, "temperature": 1.0, "seed": s, "generation": t, "heldout_bits": loss + 0.01 * s} | more
            for s in range(3) for t, loss in enumerate(losses)]  # fmt: skip


def gamma(arm, generation, value, alignment=0.9, space="content"):
    return {"arm": arm, "generation": generation, "space": space, "gamma": value, "low": value - 0.1,
            "high": value + 0.1, "alignment": alignment}  # fmt: skip


def test_correctors_are_told_by_their_first_gamma_and_where_all_loops_have_come():
    found = rows("replace", [1, 2, 3]) + rows("replace_a", [1, 2.5]) + rows("replace_b", [1, 1.5, 1.6])
    gammas = [gamma("replace_a", 5, 9.0), gamma("replace_a", 0, -0.5), gamma("replace_b", 0, 0.5), gamma("c", 0, 1.0)]
    table = language_figures.orders(found, gammas)
    assert [(row["arm"], row["gamma"], row["loss at"]) for row in table] == [
        ("replace_a", -0.5, 1),
        ("replace_b", 0.5, 1),
    ]
    np.testing.assert_allclose([row["loss less none's"] for row in table], [0.5, -0.5])


def test_tables_have_intervals_over_seeds():
    (row,) = language_figures.tables(rows("replace", [1.0, 2.0]), ("heldout_bits", "absent"))
    expected = over_seeds([2.0, 2.01, 2.02])
    assert row["heldout_bits"] == f"2.01 [{expected.low:.3g}, {expected.high:.3g}]"
    assert (row["seeds"], row["generation"], row["absent"]) == (3, 1, "")


def test_the_figures_of_the_docs_are_drawn_from_their_records(tmp_path):
    language_figures.run(["--out", str(tmp_path)])
    assert (tmp_path / "language.png").stat().st_size > 20_000


def test_bad_input_is_told_in_a_line(tmp_path):
    with pytest.raises(DataError, match="no records in .*; give the folder of docs/results"):
        language_figures.run(["--records", str(tmp_path)])
    with pytest.raises(ConfigError, match="give both --run FOLDER and --into FILE"):
        language_figures.run(["--run", str(tmp_path)])
    with pytest.raises(DataError, match="holds no generation of a run"):
        language_figures.run(["--run", str(tmp_path), "--into", str(tmp_path / "a.jsonl")])
