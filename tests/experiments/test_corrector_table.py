"""The one table of correctors: the page holds what the records say; audits of seeds become an interval over seeds."""

import json

import corrector_table
import pytest


def test_the_page_holds_the_table_of_the_records():
    page = (corrector_table.DOCS / "correctors.md").read_text("utf-8")
    assert corrector_table.written(page, corrector_table.table()) == page


def test_an_audit_a_seed_is_students_interval_and_one_alone_its_own(tmp_path):
    entry = next(one for one in corrector_table.ENTRIES if one.record == "images")
    head = {"record": "gamma", "n": 1, "axes": {}, "lam": 1.0, "arm": entry.arm, "space": "latents", "generation": 2}
    audits = [
        head | {"seed": i, "gamma": g, "low": g - 1, "high": "inf", "alignment": 0.5} for i, g in enumerate((1, 3))
    ]
    (tmp_path / "images.jsonl").write_text("".join(json.dumps(row) + "\n" for row in audits))
    told = corrector_table.gamma(entry, corrector_table.read(tmp_path, entry), "latents")
    # rho is 1/2 and 1/4: 3/8 in the mean, and with two seeds Student's interval reaches beyond 0.
    assert float(told.split()[0]) == pytest.approx(1 / 0.375 - 1, rel=1e-3)
    assert told.endswith("(2, alignment 0.50)")
    alone = corrector_table.gamma(entry, corrector_table.read(tmp_path, entry)[:1], "latents")
    assert alone.startswith("1 >= 0")
