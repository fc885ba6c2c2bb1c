"""``selfloop verify``: every stability theorem beside its measurement, from wherever the claims lie."""

from typing import Annotated, Any

import tyro

from selfloop.cli import carried

carried.importable(carried.home())

from theory import verify as claims  # noqa: E402  (its place is known only now)


def verify(config: Any) -> int:
    """Check every stability theorem beside its measurement; the exit code is 1 where a claim does not hold.

    selfloop verify                    all claims, under 10 minutes on 2 cores
    selfloop verify --quick            all claims with fewer chains and cases, 3 min
    selfloop verify --only NAME        one claim; may be given several times

    Results: a table on screen, and in the folder --out a page (report.html), claims.json and a figure a claim.
    """
    return claims.checked(config)


# What a type checker cannot follow, as it does not know the place either.
verify.__annotations__["config"] = Annotated[tyro.conf.UseAppendAction[claims.VerifyConfig], tyro.conf.arg(name="")]
