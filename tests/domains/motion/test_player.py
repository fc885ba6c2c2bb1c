"""The player's data say what the motions are, safely and in few bytes; contact sheets are drawn."""

import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selfloop.domains.motion import contact_sheet, player
from selfloop.domains.motion.data import rotations, skeleton
from selfloop.errors import DataError

EVIL = "</script><script>alert(1)</script><!--"


def scene(**changes):
    motion = np.zeros((6, 15, 3), np.float32)
    base = {"arm": "physics", "generation": 0, "sample": 0, "label": "walk", "raw": motion, "corrected": None}
    return {**base, "failed": False, "length": 6, **changes}


def data_of(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1])


positions = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 4), st.sampled_from([15, 20]), st.just(3)),
    elements=st.floats(-32, 32, width=32),
)


@given(positions=positions)
def test_positions_round_trip_to_the_millimetre(positions):
    packed = json.loads(json.dumps(player.pack(positions)))
    # Half a millimetre of rounding, and a float32's own at 32 m (2 um).
    np.testing.assert_allclose(player.unpack(packed), positions, rtol=0, atol=0.5e-3 + 2e-6)


def test_what_is_not_finite_is_absent_and_what_is_far_is_held():
    positions = np.zeros((1, 15, 3))
    positions[0, :4, 0] = [np.nan, np.inf, 1e9, -1e9]
    back = player.unpack(player.pack(positions))[0, :5, 0]
    np.testing.assert_array_equal(back, np.array([np.nan, np.nan, 32.767, -32.767, 0.0], np.float32))


def test_page_holds_the_scenes():
    rng = np.random.default_rng(0)
    raw, corrected = rng.normal(size=(2, 6, 20, 3))
    scenes = [scene(generation=g, raw=raw, corrected=corrected, length=4, failed=g == 5, sample=2) for g in (5, 0, 10)]
    data = data_of(player.player(scenes, fps=20.0))
    assert data["generations"] == [0, 5, 10]
    assert [arm["name"] for arm in data["arms"]] == ["physics"]
    assert [clip["failed"] for clip in data["clips"]] == [True, False, False]
    np.testing.assert_allclose(player.unpack(data["clips"][0]["raw"]), raw[:4], atol=0.51e-3)
    np.testing.assert_allclose(player.unpack(data["clips"][0]["corrected"]), corrected[:4], atol=0.51e-3)


def test_all_text_is_escaped_and_nothing_is_fetched():
    html = player.player([scene(label=EVIL, arm=EVIL)])
    assert "alert(1)" not in re.sub(r"\\u003cscript>alert", "", html)
    assert html.count("<script") == html.count("</script>") == 2
    assert "http" not in html
    assert data_of(html)["clips"][0]["label"] == EVIL
    assert not re.search(r"innerHTML|insertAdjacent|document\.write|eval\(|fetch\(", html)


def test_other_shapes_are_refused():
    with pytest.raises(DataError, match=r"\[6, 22, 3\]"):
        player.player([scene(raw=np.zeros((6, 22, 3)))])


def test_no_scenes_is_an_empty_player():
    assert data_of(player.player([]))["clips"] == []


def test_a_report_of_usual_size_is_small():
    motion = np.random.default_rng(0).normal(size=(40, 20, 3))
    scenes = [
        scene(arm=arm, generation=g, sample=s, raw=motion, corrected=motion, length=40)
        for arm in ("baseline", "uncorrected", "physics")
        for g in range(3)
        for s in range(8)
    ]
    assert len(player.player(scenes)) < 1_000_000


def test_tips_lie_at_their_bone_lengths_and_edges_make_one_tree():
    key = jax.random.key(0)
    turn = jax.random.normal(key, (3, skeleton.J, 6))
    points = player.points(skeleton.Motion(jnp.zeros((3, 3)), rotations.from_six(turn)))
    assert points.shape == (3, 20, 3)
    lengths = np.linalg.norm(points[:, 15:] - points[:, player.TIP_JOINTS, :], axis=-1)
    expected = np.linalg.norm(np.array(list(skeleton.TIPS.values())), axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(expected, (3, 5)), atol=1e-5)
    assert sorted(end for _, end in player.EDGES) == list(range(1, 20))
    assert player.SIDES.count("left") == player.SIDES.count("right") == 8


def test_rest_pose_stands_under_its_crown():
    identity = jnp.broadcast_to(jnp.eye(3), (1, skeleton.J, 3, 3))
    root = jnp.array([[0.0, 0.0, skeleton.LEG_HEIGHT]])
    heights = player.points(skeleton.Motion(root, identity))[0, 15:, 2]
    crown = skeleton.LEG_HEIGHT + 0.15 + 0.29 + 0.22
    hands = skeleton.LEG_HEIGHT + 0.15 + 0.22 - 2 * 0.27
    toes = skeleton.LEG_HEIGHT - 2 * 0.41 - 0.06
    np.testing.assert_allclose(heights, [crown, hands, hands, toes, toes], atol=1e-5)


def test_a_strip_has_a_row_a_motion_and_its_times():
    points = np.random.default_rng(0).normal(size=(21, 20, 3))
    figure = contact_sheet.contact_sheet({"raw": points, "corrected": points[:, :15], "short": points[:2]}, frames=5)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["raw", "corrected", "short"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.00 s", "0.25 s", "0.50 s", "0.75 s", "1.00 s"]
    assert [len(axes.get_lines()) for axes in figure.axes] == [5 * 19 + 1, 5 * 14 + 1, 2 * 19 + 1]


def test_a_strip_looks_along_the_asked_direction():
    seen = contact_sheet.seen(np.array([[5.0, 5.0, 1.0], [6.0, 5.0, 1.0], [5.0, 6.0, 2.0]]), turn=-90.0, tilt=0.0)
    np.testing.assert_allclose(seen, [[0.0, 1.0], [1.0, 1.0], [0.0, 2.0]], atol=1e-9)


def test_real_motion_is_no_arm_and_has_its_own_colour():
    data = data_of(player.player([scene(arm="real motion", real=True), scene(arm="physics"), scene(generation=5)]))
    assert data["real"] == "real motion"
    assert [arm["colour"] for arm in data["arms"]] == [player.GREY, "#0f9d76"]
    assert data_of(player.player([scene()]))["real"] is None


def test_motions_are_animated():
    import io

    from PIL import Image

    from selfloop.domains.motion import export

    motions = [np.random.default_rng(0).normal(size=(frames, 20, 3)) for frames in (6, 4)]
    with Image.open(io.BytesIO(export._animated(motions, "#0f9d76"))) as picture:
        assert (picture.n_frames, picture.size) == (6, (2 * export.SIZE, export.SIZE))
        assert picture.info["duration"] == 50
