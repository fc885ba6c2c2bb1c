"""Glossary: what measures, columns and words of a report mean, and within which limits a value can lie.

A domain says it of its own measures (`Measure.about`, ``least``, ``most``); what is here is the engine's. Definitions
are whole in themselves, as a reader meets them one at a time, under the pointer.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from selfloop.metrics.estimates import Estimate


class Entry(NamedTuple):
    """A definition, and the limits of its values."""

    about: str
    least: float = -math.inf
    most: float = math.inf


_FID = (
    "Squared Fréchet distance between Gaussians fitted to the samples and to the reference: 0 for the same mean and "
    "covariance. Biased upwards, the more the fewer the samples: read it beside the line of real data"
)
MEASURES: dict[str, Entry] = {
    "fid_infinity_": Entry("The Fréchet distance (FID) extrapolated to infinitely many samples by a line in 1/N"),
    "fid_*_mean": Entry("The part of the Fréchet distance that is of the means: how far the samples' centre is off", 0),
    "fid_*_covariance": Entry("The part of the Fréchet distance that is of the covariances: wrong spread or shape", 0),
    "fid_": Entry(_FID, 0),
    "kid_": Entry("Kernel inception distance: unbiased squared MMD with a cubic kernel; about 0 for the same law"),
    "within_": Entry("Mean variance inside the labels, a dimension: the diversity that is left within a mode", 0),
    "between_": Entry("Variance between the means of the labels, a dimension", 0),
    "multimodality_": Entry("Mean distance of two samples of one label", 0),
    "diversity_": Entry("Mean distance of 300 random pairs of samples", 0),
    "drift_mean": Entry("Fréchet distance to the same chain's own generation 0, part of the means", 0),
    "drift_covariance": Entry("Fréchet distance to the same chain's own generation 0, part of the covariances", 0),
    "modes_hit": Entry("Share of the loop's own real samples that are the nearest one to some generated sample", 0, 1),
    "modes_effective": Entry(
        "How evenly the loop's own real samples are hit: exp(entropy) of which of them is nearest to each generated "
        "sample, divided by their number; 1 if all equally, less the more modes are lost", 0, 1),
    "coverage": Entry("Share of reference samples that have a generated one among their k nearest neighbours", 0, 1),
    "recall": Entry("Share of reference samples that lie within the k-neighbour balls of the generated ones", 0, 1),
    "precision": Entry("Share of generated samples that lie within the k-neighbour balls of the reference", 0, 1),
    "density": Entry("In how many k-neighbour balls of the reference a generated sample lies, over k", 0),
}  # fmt: skip
"""The engine's measures, by the beginning of their names (``*``: a space); the first that fits counts."""

COLUMNS: dict[str, str] = {
    "line": "What the row tells of: generation 0 (before any loop), an arm at its last generation, or real data.",
    "arm": "A way of training: which corrector, which policy, and whether the model sees its own samples at all.",
    "n": "Number of real samples that the loop trains on.",
    "lam": "Lambda: synthetic samples per real one in the training set.",
    "seeds": "Independent repetitions that the row rests on; arms of one seed share their random numbers.",
    "distance": (
        "How far apart coupled chains are. MMD: maximum mean discrepancy, a distance of laws by a kernel. "
        "Paired: root mean square distance of samples made from the same noise and condition."
    ),
    "measured": "Factor by which the distance of coupled chains shrinks per generation; below 1 the loop is stable.",
    "predicted": "lambda / ((1 + lambda)(1 + gamma)): the factor that theory expects of a refit to the optimum.",
    "remembered": "r + (1 - r) × predicted: the factor if each refit keeps the share r of the model it starts from, "
    "r read off the baseline's coupled chains.",
    "holds": "Whether the measured and the predicted interval meet.",
    "with memory": "Whether the measured interval and that of the prediction with memory meet.",
    "space": "The features in which samples before and after correction are compared.",
    "effective gamma": "Strength of the idealised corrector that brings the samples as near to real data: "
    "0 changes nothing, infinity replaces every sample by a real one.",
    "read": "Generations in which the audit could read a gamma.",
    "refused": "Generations in which it refused: samples too near to real data, so there is nothing to contract.",
    "measure": "Point at its name for its definition.",
    "harm": "How much worse the uncorrected loop ends than the baseline (uncorrected less baseline).",
    "gain": "How much better the corrected loop ends than the uncorrected one (uncorrected less corrected).",
    "gain_equal_compute": "The same after the generations that the cheaper loop's whole time buys each of them.",
    "train": "Core-seconds of training a generation.",
    "sample": "Core-seconds of sampling a generation.",
    "correct": "Core-seconds of correction a generation.",
    "evaluate": "Core-seconds of evaluation: it only measures the loop.",
    "audit": "Core-seconds of audits: they only measure the loop.",
    "loop": "Training, sampling and correction together.",
    "correct_share": "Correction's share of the loop.",
    "harmless": "The largest lambda run up to which no harm from synthetic data can be shown.",
    "pays_from": "The smallest lambda run from which on correction surely gains at equal compute.",
    "crossing": "The lambda at which the mean gain at equal compute passes 0, by interpolation.",
    "level": "The quality asked for, as a multiple of the baseline's end.",
    "value": "The measure at that level.",
    "reached": "Core-seconds of one chain until the mean over seeds is first at the level.",
    "lost": "Core-seconds after which it is above the level for good.",
}

WORDS: dict[str, str] = {
    "generation": "One turn of the loop: sample the model, correct the samples, mix them with real data, fit again. "
    "Generation 0 is fitted to real data alone.",
    "arm": COLUMNS["arm"],
    "baseline": "The arm that trains on real data alone: what the others are held against.",
    "uncorrected": "The arm that trains on real data and its own samples as they are.",
    "lambda (λ)": COLUMNS["lam"],
    "gamma (γ)": "Strength of correction. The idealised corrector of strength γ turns a law p into (p + γ p*)/(1 + γ), "
    "p* the true one.",
    "seed, chain": "An independent repetition; one arm of one seed is a chain.",
    "coupled chains": "Two chains with the same random numbers that start from different generations 0. The factor by "
    "which they approach each other per generation is the loop's contraction.",
    "95 % interval": "Where the true value lies, by a procedure that is right 19 times in 20: Student's over seeds "
    "unless something else is said. Each interval stands for itself; among twenty, one may miss.",
    "artefact": "What is wrong with single samples (a foot that slides), which a corrector of single samples can mend.",
    "mode": "A kind of sample. Lost modes cannot be brought back by correcting the samples that are left.",
    "moment": "Mean and covariance of the samples' law.",
    "MMD": "Maximum mean discrepancy: a distance between two laws, by a kernel, estimated from samples.",
    "real": "Real samples measured in the same way and number as generated ones: where a perfect model ends.",
}
"""What a newcomer must know to read a report."""


def entry(name: str, measures: Mapping[str, Mapping[str, Any]] | None = None) -> Entry:
    """The definition of a measure: the domain's own words where it has some (``measures``: its rows of `about`).

    A measure that nobody defines has an empty text and no limits.
    """
    plain = name.removeprefix("corrected_")
    own = (measures or {}).get(plain, {})
    known = next((one for key, one in MEASURES.items() if _fits(plain, key)), Entry(""))
    least, most = (own.get(end) for end in ("least", "most"))
    about = (own.get("about") or known.about) + (" (after correction)" if plain != name else "")
    return Entry(about, known.least if least is None else least, known.most if most is None else most)


def _fits(name: str, key: str) -> bool:
    if "*" in key:
        head, tail = key.split("*")
        return name.startswith(head) and name.endswith(tail)
    return name.startswith(key) if key.endswith("_") else name == key


def within(one: Estimate, limits: Entry) -> Estimate:
    """The estimate, its interval cut to the values that can be; what covers the truth still does, as it lies there.

    A value that is outside itself (or unknown) says that the limits are not its own: it is left as it is.
    """
    if not limits.least <= one.value <= limits.most:
        return one
    low, high = (min(max(end, limits.least), limits.most) for end in (one.low, one.high))
    return Estimate(one.value, low if low == low else one.low, high if high == high else one.high)
