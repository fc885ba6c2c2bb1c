import hashlib

from selfloop.domains.motion.data import splits
from selfloop.domains.motion.data.clip import mirror


def test_roles_by_hand():
    # The first four hexadecimal digits of `printf NAME | sha256sum`, as a share of 65536.
    by_hand = {
        "walk": (0x7A6C, "loop"),
        "backflip": (0xC11B, "encoder"),
        "spinkick": (0xE412, "encoder"),
        "crawl": (0x81A6, "reference"),
        "dataset-2_walk_active_001": (0xC344, "encoder"),
        "dataset-2_run_normal_011": (0x46D4, "loop"),
    }
    for name, (digits, title) in by_hand.items():
        assert hashlib.sha256(name.encode()).hexdigest()[:4] == f"{digits:04x}"
        assert splits.role(name) == title


def test_shares_of_many_names():
    n = 20_000
    count = dict.fromkeys(splits.SHARES, 0)
    for i in range(n):
        count[splits.role(f"clip_{i}")] += 1
    for title, share in splits.SHARES.items():
        assert abs(count[title] / n - share) < 5 * (share * (1 - share) / n) ** 0.5


def test_every_clip_has_one_role_and_its_mirror_the_same(wander):
    clips = [wander(0, name=f"clip_{i}") for i in range(40)]
    parts = splits.split(clips)
    assert sorted(clip.name for part in parts.values() for clip in part) == sorted(clip.name for clip in clips)
    for title, part in parts.items():
        assert all(splits.role(mirror(clip).name) == title for clip in part)
