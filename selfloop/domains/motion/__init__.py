"""Human motion: data, physics, generative model, measures."""
