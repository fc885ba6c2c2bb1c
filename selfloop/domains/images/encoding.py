"""The encoder behind Shumailov et al.'s measure: that of an autoencoder trained on the real images, as generation 0 is.

They report the standard deviation of generation 0's encoder means over a generation's samples; here it is the encoder
of one more generation 0, the same for all seeds, trained once and kept in the user's cache.
"""

from dataclasses import replace
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from selfloop.batch import uniform
from selfloop.domains.images import model as models
from selfloop.domains.images.data.images import Images
from selfloop.domains.images.settings import ImageSettings
from selfloop.models.neural import slices, training
from selfloop.models.neural import vae as vaes
from selfloop.models.neural.cached import cached, trained_once


def network(settings: ImageSettings) -> nn.Module | None:
    """The autoencoder's network; None where the model is another."""
    if not settings.model.startswith("vae"):
        return None
    return vaes.NETWORKS[settings.network](models.vae_config(settings, (settings.size, settings.size)))


def load_or_train(settings: ImageSettings, real: Images) -> Any:
    """The weights of an autoencoder of the real images."""
    config = replace(models.vae_config(settings, real.x.shape[1:]), draw="mean", start="prior")
    path = cached("images_encoding", (real.x, config), (vaes, training, slices)).with_suffix(".msgpack")
    model = vaes.vae(config)

    def train() -> Any:
        key_init, key_fit = jax.random.split(jax.random.key(0))
        return model.fit(key_fit, uniform(jnp.asarray(real.x)), model.init(key_init))[0].params

    return trained_once(path, jax.eval_shape(model.init, jax.random.key(0)).params, train)
