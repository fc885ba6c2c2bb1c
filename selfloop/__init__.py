"""Self-consuming generative training: the loop, its correctors, its theory, and human motion under physics."""

from selfloop import policies as policies
from selfloop import sources as sources
from selfloop.batch import Batch as Batch
from selfloop.batch import concatenate as concatenate
from selfloop.batch import keep as keep
from selfloop.batch import uniform as uniform
from selfloop.correctors.idealized import replacement as replacement
from selfloop.correctors.identity import identity as identity
from selfloop.errors import ConfigError as ConfigError
from selfloop.errors import DataError as DataError
from selfloop.errors import SelfloopError as SelfloopError
from selfloop.loop import Carry as Carry
from selfloop.loop import Generation as Generation
from selfloop.loop import Loop as Loop
from selfloop.loop import Model as Model
from selfloop.loop import begin as begin
from selfloop.loop import checkpointed as checkpointed
from selfloop.loop import generation as generation
from selfloop.loop import role_key as role_key
from selfloop.loop import scan as scan
from selfloop.metrics.frechet import gaussian_w2 as gaussian_w2
from selfloop.models.gaussian import gaussian as gaussian
from selfloop.models.states import GaussianState as GaussianState
from selfloop.policies import Policy as Policy
