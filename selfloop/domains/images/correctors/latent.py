"""k-means in latents: an image becomes what an autoencoder draws from the nearest average of its class's latents.

    x -> decode(c(encode(x))),    c(z) the nearest of the averages of real images' latents in clusters of z's class

Averages of latents are drawn as sharp images, averages of pixels are blurred; of both there are as few. The
autoencoder is trained on images that neither loop, reference nor evaluators see (`autoencoder`), the averages are of
the loop's own real images. Shapes: N samples, P averages, H rows, W columns, L latents.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.chunks import in_chunks
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import report
from selfloop.domains.images.correctors import autoencoder
from selfloop.domains.images.correctors.prototypes import CHUNK, clusters, nearest_of
from selfloop.domains.images.data.images import Images
from selfloop.protocols import Corrector


def latent_averages(real: Images, others: Images, most: int) -> Corrector:
    """Each image becomes the drawn average of ``real`` images' latents that is nearest to its own.

    Raises:
        ConfigError: more clusters than a class has images.
    """
    network, params = autoencoder.load_or_train(others, autoencoder.AutoencoderConfig())
    # Latents are clustered as images of one row are.
    encode = jax.jit(lambda x: network.apply(params, x, method="encode")[:, None])
    z = np.asarray(in_chunks(encode, CHUNK, jnp.asarray(real.x)))
    averages = clusters(real._replace(x=z), most).averages
    drawn = network.apply(params, jnp.asarray(averages.x[:, 0]), method="decode")

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        z = in_chunks(encode, CHUNK, batch.x)
        x = drawn[nearest_of(batch._replace(x=z), averages)]
        return batch._replace(x=x), report(batch, x)

    return correct
