"""FLOP of a run against the count by hand of a residual perceptron's products."""

from dataclasses import replace

import pytest

from selfloop.domains.images.arithmetic import by_lambda, counted
from selfloop.domains.images.settings import default, gpu, shumailov
from selfloop.errors import ConfigError


def test_products_are_most_of_what_is_counted():
    """Multiply-adds of the perceptron: in, time (two), a block's two layers and its modulation, out."""
    settings = default()
    w, pixels, k = settings.width, settings.size**2, 64
    each = 2 * pixels * w + settings.layers * 4 * w * w
    modulation = settings.layers * 3 * w * k
    time = w * w + w * k
    found = counted(settings)
    # A step is a pass forward and twice that backward (the first layer needs no slope of its input), of a batch.
    by_hand = 2 * settings.batch * (3 * (each + modulation + time) - pixels * w)
    assert by_hand < found.step < 1.15 * by_hand
    # Guided: two passes a sample; time and modulation are made once a label, not once a sample.
    assert 2 * 2 * each < found.sample < 1.15 * 2 * 2 * each


def test_a_run_is_the_sum_of_its_parts():
    settings = replace(default(), lam=(0.5, 1.0), arms=("baseline", "kmeans"), seeds=3)
    count = counted(settings)
    drawn = (1 + 2000 + 2 * settings.evaluate) * settings.sample_steps * count.sample
    train = settings.steps[0] * count.step
    found = by_lambda(settings)
    assert found[1.0] == pytest.approx(3 * 20 * (2 * train + drawn))
    assert found[0.5] == pytest.approx(3 * (30 * train + 20 * (2 * train + drawn - 10_000 * count.sample)))


@pytest.mark.slow
def test_every_ratio_of_the_gpu_preset_fits_into_ten_minutes_of_a_card():
    """At 100 TFLOP/s, a tenth of an H100's dense bfloat16: an assumption, not a measurement."""
    assert all(flop / 1e14 < 600 for flop in by_lambda(gpu()).values())


def test_of_a_vae_nothing_is_counted():
    with pytest.raises(ConfigError, match="--model is vae; FLOP are counted of diffusion and flow"):
        counted(shumailov())
