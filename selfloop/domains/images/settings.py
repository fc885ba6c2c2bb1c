"""Settings of image experiments, and their presets, one a source."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from selfloop.domains.images.arms import ARMS
from selfloop.domains.images.correctors.table import CORRECTORS
from selfloop.domains.images.data.plane import PLANES
from selfloop.engine.settings import Settings, one_of, within
from selfloop.errors import ConfigError
from selfloop.models.neural.vae import Draw, Latents

ModelName = Literal["diffusion", "flow", "vae", "vae_endless"]
Network = Literal["perceptron", "unet", "small", "shumailov"]
if TYPE_CHECKING:
    ArmName: TypeAlias = str
else:
    ArmName = Literal[tuple(ARMS)]  # what tyro offers and checks


@dataclass(frozen=True)
class ImageSettings(Settings):
    """The self-consuming loop on images: retrain, sample, correct, retrain."""

    data: str | None = None
    """Images: a folder of IDX files, or a named set: digits (8x8, scikit-learn), mnist, fashion-mnist (looked for in
    the folder that SELFLOOP_DATA names, else downloaded), gaussians, moons (points in the plane). Without it: the 5,000
    digits of MNIST that the extra `images` installs."""
    out: Path = Path("runs/image_loop")
    arms: tuple[ArmName, ...] = ("baseline", "uncorrected", "kmeans", "member", "ideal")
    """baseline: real data alone; uncorrected: real data and its own samples; kmeans: each sample becomes the nearest
    of 16 averages of real images of its class; kmeans_half: half way; kmeans_latent: the average is one of latents;
    medoid: the real image nearest to the average; member: any real image of that cluster; nearest_real: the nearest
    real image; ideal: a share gamma / (1 + gamma) replaced by other real images; autoencoder, renoise: passed through a
    model of other real images; verifier: those kept that a classifier of other real images is sure of; smoothing:
    blurred; replace: own samples alone; accumulate: older samples stay; accumulate_subsample: n of them all; fresh: new
    real images every generation."""
    n: tuple[int, ...] = (2000,)
    evaluate: int = 1000
    audit_every: int = 5
    size: int = 14
    """Rows and columns that images are shrunk to by block means; a divisor of their side."""
    model: ModelName = "diffusion"
    """diffusion: denoising diffusion under the label; flow: flow matching with optimal transport pairs; vae: a new
    variational autoencoder every generation; vae_endless: the same on endless samples of the last one."""
    network: Network = "perceptron"
    """perceptron (diffusion, flow): residual layers under the noise level and label; unet (the same): convolutions, for
    accelerators; small, shumailov (vae)."""
    guidance: tuple[float, ...] = (1.5,)
    """Classifier-free guidance g at sampling, x(no label) + g (x(label) - x(no label)): 1 is none; the w of Gillman et
    al. is g - 1."""
    gamma: float = 1.0
    """Strength of the arm ideal."""
    temperature: float = 1.0
    """Standard deviation of the noise that diffusion samples from."""
    clusters: int = 16
    """Averages a class of kmeans, medoid and member."""
    first_steps: tuple[int, ...] = (3000,)
    """Training steps of generation 0 (of every generation of a vae); one number, or one for each --n."""
    steps: tuple[int, ...] = (100,)
    """Training steps of every later generation; one number, or one for each --n."""
    rate: float = 2e-3
    """Peak learning rate of generation 0."""
    fine_rate: float = 3e-4
    """Learning rate of every later generation."""
    batch: int = 128
    """Images a training step."""
    width: int = 256
    """Width of the network; channels of the unet's first level, a multiple of 8."""
    layers: int = 3
    """Residual layers of the perceptron; residual blocks a level of the unet."""
    sample_steps: int = 10
    """Steps from noise to a sample."""
    draw: Draw = "mean"
    """What a sample of a vae is: the decoder's mean (as in Shumailov et al.), bernoulli or gaussian draws about it."""
    latents: Latents = "prior"
    """Where a vae's latents are drawn: prior N(0, I), or posterior, a Gaussian fitted to the aggregate posterior."""
    evaluator_steps: int = 800
    """Training steps of each of the two evaluators, once a set; they are kept in the user's cache."""


LOWEST = {"size": 2, "clusters": 1, "first_steps": 1, "steps": 1, "batch": 2, "width": 8, "layers": 1,
          "sample_steps": 1, "evaluator_steps": 1}  # fmt: skip
SUITS: dict[str, tuple[str, ...]] = {
    "diffusion": ("perceptron", "unet"), "flow": ("perceptron", "unet"),
    "vae": ("small", "shumailov"), "vae_endless": ("small", "shumailov"),
}  # fmt: skip
"""The networks of each model."""


def check(settings: ImageSettings) -> None:
    """ConfigError for the first setting of images that cannot be."""
    within(settings, LOWEST)
    one_of("model", settings.model, get_args(ModelName))
    one_of("draw", settings.draw, get_args(Draw))
    one_of("latents", settings.latents, get_args(Latents))
    if settings.network not in SUITS[settings.model]:
        fits = " or ".join(SUITS[settings.model])
        raise ConfigError(f"--network is {settings.network}, which is none of --model {settings.model}; give {fits}")
    if settings.temperature != 1 and settings.model != "diffusion":
        raise ConfigError(f"--temperature {settings.temperature} is for --model diffusion, and it is {settings.model}")
    if settings.gamma < 0:
        raise ConfigError(f"--gamma is {settings.gamma}; give 0 or more")
    if settings.data in PLANES:
        _check_plane(settings)
    elif settings.network == "shumailov" and settings.size % 4:
        raise ConfigError(f"--size is {settings.size}; --network shumailov halves images twice: give a multiple of 4")


def _check_plane(settings: ImageSettings) -> None:
    if settings.network == "unet":
        raise ConfigError(f"--network is unet, which sees images; {settings.data} are points: give perceptron")
    if settings.model.startswith("vae"):
        raise ConfigError(f"--model is {settings.model}, which makes images; {settings.data} are points: give flow")
    for arm in settings.arms:
        if ARMS[arm].corrector != "identity" and CORRECTORS[ARMS[arm].corrector].points is None:
            raise ConfigError(f"--arms {arm} corrects images, and {settings.data} are points; choose another arm")
    if set(settings.guidance) != {1.0}:
        raise ConfigError(f"{settings.data} have no labels to be guided by; give --guidance 1")


def default() -> ImageSettings:
    """MNIST-5k at 14 x 14, five arms, 20 generations, 2 seeds: what docs/images.md rests on."""
    return ImageSettings()


def smoke() -> ImageSettings:
    """The same in miniature on 8 x 8 digits, to see that everything works: within 90 s on 2 cores."""
    return ImageSettings(
        preset="smoke", data="digits", out=Path("runs/images_smoke"), n=(400,), generations=4, seeds=1, evaluate=200,
        audit_every=2, size=8, arms=("baseline", "uncorrected", "kmeans"), clusters=8, first_steps=(300,), steps=(30,),
        width=128, layers=2, evaluator_steps=150,
    )  # fmt: skip


def gillman() -> ImageSettings:
    """The schedule of Gillman et al. in miniature: 50 generations add up to 2.3 % of the first training."""
    return replace(
        default(), preset="gillman", out=Path("runs/images_gillman"), arms=("baseline", "uncorrected", "kmeans"),
        first_steps=(1000,), steps=(94,), fine_rate=5e-6,
    )  # fmt: skip


def shumailov() -> ImageSettings:
    """A new VAE every generation on its last one's decoder means, at 28 x 28 (add --model vae_endless for theirs)."""
    return ImageSettings(
        preset="shumailov", out=Path("runs/images_shumailov"), model="vae", network="small", size=28, generations=10,
        arms=("baseline", "uncorrected", "replace", "accumulate"), first_steps=(1000,), steps=(1000,),
        guidance=(1.0,), audit_every=1,
    )  # fmt: skip


def gerstgrasser() -> ImageSettings:
    """Replace, accumulate, accumulate and subsample, augment and fresh data, a new VAE every generation."""
    return replace(
        shumailov(), preset="gerstgrasser", out=Path("runs/images_gerstgrasser"), n=(1000,), generations=15,
        arms=("baseline", "uncorrected", "replace", "accumulate", "accumulate_subsample", "fresh"),
    )  # fmt: skip


def bertrand() -> ImageSettings:
    """Flow matching on eight Gaussians over lambda, beside fully synthetic and accumulated data, 40 generations."""
    return ImageSettings(
        preset="bertrand", data="gaussians", out=Path("runs/images_bertrand"), model="flow", generations=40, seeds=3,
        arms=("baseline", "uncorrected", "replace", "accumulate"), lam=(1.0,), guidance=(1.0,), evaluate=1000,
        first_steps=(2000,), steps=(200,), rate=3e-3, fine_rate=1e-3, width=64, sample_steps=20, audit_every=10,
    )  # fmt: skip


def bertrand_bad() -> ImageSettings:
    """The same from a bad generation 0: 200 training steps in place of 2,000."""
    return replace(bertrand(), preset="bertrand_bad", out=Path("runs/images_bertrand_bad"), first_steps=(200,))


def online() -> ImageSettings:
    """Correctors that learn, in the plane: unequal Gaussians, own samples alone, drawn a little too cold."""
    return ImageSettings(
        preset="online", data="unequal", out=Path("runs/images_online"), n=(500,), lam=(2.0,), generations=9, seeds=3,
        arms=("replace", "replace_ratio", "replace_map", "baseline", "replace_ratio_frozen", "replace_map_frozen",
              "replace_ratio_guarded", "replace_map_guarded", "replace_ideal"),
        guidance=(1.0,), temperature=0.97, first_steps=(3000,), steps=(250,), fine_rate=1e-3, batch=256, width=64,
        layers=2, sample_steps=25, evaluate=1500, audit_every=3,
    )  # fmt: skip


def gpu() -> ImageSettings:
    """Fashion-MNIST, n = 12,000, 50 generations, a U-Net, 4 ratios in pieces (docs/images.md); for a GPU, not run."""
    return ImageSettings(
        preset="gpu", data="fashion-mnist", out=Path("runs/images_gpu"), n=(12_000,), lam=(0.2, 0.5, 1.0, 1.5),
        arms=("baseline", "uncorrected", "kmeans"), size=28, generations=50, seeds=1, evaluate=2000,
        network="unet", first_steps=(2000,), steps=(94,), batch=256, width=48, layers=1, sample_steps=10,
    )  # fmt: skip


PRESETS: dict[str, Callable[[], ImageSettings]] = {
    "smoke": smoke, "default": default, "gillman": gillman, "shumailov": shumailov, "gerstgrasser": gerstgrasser,
    "bertrand": bertrand, "bertrand_bad": bertrand_bad, "online": online, "gpu": gpu,
}  # fmt: skip
