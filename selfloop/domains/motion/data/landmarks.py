"""Landmarks of a figure in a BVH file: joints by their role, ends of limbs, and the trunk's waist, chest and top.

What a file does not name is found from its hierarchy and its rest pose. Shapes: T frames, J joints of the file.
"""

import numpy as np

from selfloop.domains.motion.data import quaternion
from selfloop.domains.motion.data.formats.bvh import Bvh, at_rest
from selfloop.domains.motion.data.joint_names import Joints

CHEST = 0.4
"""Share of the way from hips to shoulders at which the canonical chest begins."""


class Landmarks:
    """Where the points of a figure lie in a file: joints, ends of joints, and middles of the trunk."""

    def __init__(self, bvh: Bvh, joints: Joints):
        self.parents: tuple[int, ...] = bvh.parents
        self.index: dict[str, int] = dict(joints.index)
        still = at_rest(bvh)
        size = np.linalg.norm(np.ptp(still, axis=0)) or 1.0
        self.ends: dict[str, tuple[int, np.ndarray]] = {}
        for side in ("left", "right"):
            for part, base in (("wrist", "elbow"), ("toe", "ankle")):
                role, j = f"{side}_{part}", self.index[f"{side}_{base}"]
                if role not in self.index:
                    self._end(role, j, bvh, 1e-3 * size)
        pelvis = self._ancestor(self.index["left_hip"], self.index["right_hip"])
        top = self._ancestor(self.index["left_shoulder"], self.index["right_shoulder"])
        hips = (still[self.index["left_hip"]] + still[self.index["right_hip"]]) / 2
        high = (still[self.index["left_shoulder"]] + still[self.index["right_shoulder"]]) / 2
        far = np.linalg.norm(high - hips)
        trunk = [j for j in self._path(top) if pelvis in self._path(j)[1:]][::-1]
        reach = {j: np.linalg.norm(still[j] - hips) for j in trunk}
        self.waist: int | None = next((j for j in trunk if reach[j] > 0.1 * far), None)
        self.chest: int | None = min(
            (j for j in trunk if reach[j] < 0.8 * far), key=lambda j: abs(reach[j] - CHEST * far), default=None
        )
        self.owner: dict[str, int] = {role: self.index[role] for role in self.index} | {"pelvis": pelvis, "chest": top}
        self.owner |= {role: j for role, (j, _) in self.ends.items()}
        self.roles: tuple[str, ...] = (*self.index, *self.ends, "hips", "waist", "chest", "top")

    def _end(self, role: str, j: int, bvh: Bvh, least: float) -> None:
        children = [k for k, parent in enumerate(bvh.parents) if parent == j and np.linalg.norm(bvh.offsets[k]) > least]
        if children:
            self.index[role] = children[0]
        elif np.linalg.norm(bvh.ends.get(j, (0, 0, 0))) > least:
            self.ends[role] = j, np.array(bvh.ends[j])

    def _path(self, j: int) -> list[int]:
        path = [j]
        while self.parents[path[-1]] >= 0:
            path.append(self.parents[path[-1]])
        return path

    def _ancestor(self, a: int, b: int) -> int:
        other = set(self._path(b))
        return next(j for j in self._path(a) if j in other)

    def place(self, places: np.ndarray, turns: np.ndarray | None, role: str) -> np.ndarray:
        """Places [..., 3] of a role, from those of all joints [..., J, 3]; no turns where nothing is turned."""
        at = lambda name: places[..., self.index[name], :]  # noqa: E731
        hips, top = (at("left_hip") + at("right_hip")) / 2, (at("left_shoulder") + at("right_shoulder")) / 2
        if role in self.ends:
            j, end = self.ends[role]
            return places[..., j, :] + (end if turns is None else quaternion.rotate(turns[..., j, :], end))
        if role == "hips":
            return hips
        if role == "top":
            return at("neck") if "neck" in self.index else top
        if role == "waist":
            return top if self.waist is None else places[..., self.waist, :]
        if role == "chest":
            return hips if self.chest is None else places[..., self.chest, :]
        return at(role)
