"""A clip that could be anyone's: smooth, within the joint limits, wandering."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from selfloop.domains.motion.data import quaternion, skeleton
from selfloop.domains.motion.data.clip import Clip


def wander(seed: int, frames: int = 30, fps: float = 20.0, name: str = "clip") -> Clip:
    random = np.random.default_rng(seed)
    time = np.arange(frames) / fps

    def smooth(width: int) -> np.ndarray:
        phase, rate = random.uniform(0, 2 * np.pi, (2, width))
        return np.sin(phase + rate * time[:, None])

    middle, half = skeleton.LIMITS.mean(1), np.diff(skeleton.LIMITS)[:, 0] / 4
    angles, local, at = middle + half * smooth(len(middle)), [], 0
    for joint in skeleton.SKELETON[1:]:
        own = angles[:, at : at + len(joint.order)]
        local.append(Rotation.from_euler(joint.order.upper(), own).as_quat(scalar_first=True))
        at += len(joint.order)
    yaw, pitch, roll = (smooth(3) * np.array([3.0, 0.4, 0.4])).T
    pelvis = quaternion.multiply(
        quaternion.about_axis("z", yaw),
        quaternion.multiply(quaternion.about_axis("y", pitch), quaternion.about_axis("x", roll)),
    )
    turns = np.stack([pelvis, *local], 1)
    return Clip(name, fps, smooth(3) * np.array([2, 2, 0.2]) + np.array([0, 0, 1.0]), turns, "walk-left")


@pytest.fixture(name="wander")
def fixture_wander():
    return wander
