"""Text as the condition of motion: captions, their embeddings, how they reach the network, and retrieval by them."""
