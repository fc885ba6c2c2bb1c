"""A loop on arrays of one's own, with a generator and correctors of one's own: ordinary Python functions."""

from selfloop.domains.arrays.domain import ArraysSettings as ArraysSettings
from selfloop.domains.arrays.domain import arrays as arrays
from selfloop.domains.arrays.domain import run as run
