"""Self-consuming generative training: the loop, its correctors, its theory, and human motion under physics."""
