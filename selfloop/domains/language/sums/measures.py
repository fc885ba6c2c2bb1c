"""Measures of sums as strings, with their definitions."""

from selfloop.engine.domain import Measure

MEASURES = (
    Measure(
        "heldout_bits", "bits/string", "", "less", headline=True, least=0.0,
        about="Bits a string that the model needs for true sums which nobody was trained on",
    ),
    Measure(
        "wrong", "", "artefact", "less", headline=True, least=0.0, most=1.0,
        about="Share of strings that are no true sum, malformed ones among them",
    ),
    Measure("malformed", "", "artefact", "less", least=0.0, most=1.0, about="Share of strings that are no sum at all"),
    Measure(
        "operands_tv", "", "moment", "less", headline=True, least=0.0, most=1.0,
        about="Total variation, from the true law, of the operands' lengths and first digits in well-formed strings; "
        "its floor falls with the number of samples",
    ),
    Measure(
        "distinct", "", "mode", "more", headline=True, least=0.0, most=1.0,
        about="Different pairs of operands, over the number of strings",
    ),
    Measure("failed", least=0.0, about="Strings for which no acceptable one was found; they are never trained on"),
    Measure("moved", "digits", least=0.0, about="Mean number of digits of a string that correction changed"),
    Measure(
        "kept", optional=True, least=0.0, most=1.0,
        about="Share of strings that were accepted as they were; the others are drawn anew",
    ),
)  # fmt: skip
