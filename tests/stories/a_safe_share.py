"""Is mixing in 30 % synthetic data safe for my 5-d mixture?"""

import jax

import selfloop

key_kind, key_noise = jax.random.split(jax.random.key(0))
kind = jax.random.bernoulli(key_kind, 0.4, (2000, 1))
data = jax.random.normal(key_noise, (2000, 5)) + 4.0 * kind  # my data: [N, 5], NumPy's arrays too

found = selfloop.certify(selfloop.mixture(2, 5), data, share=0.3)
print(found)
rate, error = found.rate.exact, 2 * found.rate_error
verdict = "safe" if rate + error < 1 else "not surely safe"
print(f"An error shrinks to {rate:.2f} ± {error:.2f} of itself every generation: {verdict}")
