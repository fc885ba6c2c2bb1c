"""Self-consuming generative training: the loop, its correctors, its theory, and human motion under physics."""

from selfloop import starting as _starting

_starting.begin()

from importlib.metadata import PackageNotFoundError as _NotFound
from importlib.metadata import version as _version

from selfloop import policies as policies
from selfloop import sources as sources
from selfloop import stability as stability
from selfloop.audit import Audit as Audit
from selfloop.audit import audit as audit
from selfloop.batch import Batch as Batch
from selfloop.batch import concatenate as concatenate
from selfloop.batch import keep as keep
from selfloop.batch import uniform as uniform
from selfloop.checkpointed import checkpointed as checkpointed
from selfloop.contracts import check as check
from selfloop.correctors.biased import biased as biased
from selfloop.correctors.curation import curation as curation
from selfloop.correctors.curation import curation_by_weights as curation_by_weights
from selfloop.correctors.external import external_corrector as external_corrector
from selfloop.correctors.extrapolation import extrapolation as extrapolation
from selfloop.correctors.failing import failing as failing
from selfloop.correctors.idealized import replacement as replacement
from selfloop.correctors.labels import relabel as relabel
from selfloop.correctors.labels import shrink_labels as shrink_labels
from selfloop.correctors.markov import hmc as hmc
from selfloop.correctors.markov import langevin as langevin
from selfloop.correctors.smoothing import smoothing as smoothing
from selfloop.correctors.statistics import replacement_statistics as replacement_statistics
from selfloop.correctors.transport import geodesic as geodesic
from selfloop.correctors.transport import geodesic_empirical as geodesic_empirical
from selfloop.correctors.transport import redraw as redraw
from selfloop.correctors.unadjusted import minimisation as minimisation
from selfloop.correctors.unadjusted import unadjusted_langevin as unadjusted_langevin
from selfloop.correctors.verifier import verifier as verifier
from selfloop.errors import ConfigError as ConfigError
from selfloop.errors import DataError as DataError
from selfloop.errors import SelfloopError as SelfloopError
from selfloop.errors import StoppedError as StoppedError
from selfloop.errors import TooNearError as TooNearError
from selfloop.loop import begin as begin
from selfloop.loop import generation as generation
from selfloop.loop import role_key as role_key
from selfloop.loop import scan as scan
from selfloop.metrics.frechet import gaussian_w2 as gaussian_w2
from selfloop.models.discrete import discrete as discrete
from selfloop.models.discrete import zipf as zipf
from selfloop.models.exponential import bernoulli as bernoulli
from selfloop.models.exponential import exponential as exponential
from selfloop.models.exponential import gamma as gamma
from selfloop.models.exponential import gaussian_mean as gaussian_mean
from selfloop.models.exponential import poisson as poisson
from selfloop.models.external import external as external
from selfloop.models.gaussian import gaussian as gaussian
from selfloop.models.kde import kernel_density as kernel_density
from selfloop.models.mixture import mixture as mixture
from selfloop.models.mixture import mixture_gradient as mixture_gradient
from selfloop.models.mixture import mixture_locations as mixture_locations
from selfloop.models.regression import labelled as labelled
from selfloop.models.regression import regression as regression
from selfloop.models.states import GaussianState as GaussianState
from selfloop.models.statistics import gaussian_statistics as gaussian_statistics
from selfloop.models.student import logistic as logistic
from selfloop.models.student import student as student
from selfloop.protocols import Adaptive as Adaptive
from selfloop.protocols import Carry as Carry
from selfloop.protocols import Corrector as Corrector
from selfloop.protocols import Generation as Generation
from selfloop.protocols import Loop as Loop
from selfloop.protocols import Model as Model
from selfloop.protocols import Policy as Policy
from selfloop.protocols import identity as identity
from selfloop.result import Result as Result
from selfloop.result import load as load
from selfloop.stability.certify import certify as certify

try:
    __version__: str = _version("selfloop")
except _NotFound:  # a source tree that is not installed
    __version__ = "unknown"

_starting.end()
