"""The stability theory of self-consuming loops, as pure functions of models and of numbers.

Notation, the same in every module: n real points, m synthetic ones, lam = m / n, gamma the corrector's strength,
tau = 1 / (1 + gamma), w = m / (n + m), r = w tau; theta* the model's best parameters for the population of data, p*
its law there; H = -E_data Hess log p*, F = -E_p* Hess log p* (the Fisher information); e_t the error of generation t.

`certify` puts all of it on one page for a model and data. Everything is meant for float64: run it inside
``jax.enable_x64(True)``; only `certify` turns that on by itself.
"""

from selfloop.stability import bounds as bounds
from selfloop.stability import constants as constants
from selfloop.stability import curvature as curvature
from selfloop.stability import discount as discount
from selfloop.stability import extrapolation as extrapolation
from selfloop.stability import golden as golden
from selfloop.stability import jacobian as jacobian
from selfloop.stability import kde as kde
from selfloop.stability import mixing as mixing
from selfloop.stability import quadrature as quadrature
from selfloop.stability import rates as rates
from selfloop.stability import recursions as recursions
from selfloop.stability import regression as regression
from selfloop.stability import safe as safe
from selfloop.stability import sandwich as sandwich
from selfloop.stability import sharpening as sharpening
from selfloop.stability import variation as variation
from selfloop.stability import verified as verified
from selfloop.stability import weak as weak
