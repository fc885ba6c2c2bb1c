"""Peers of the language models: a Witten-Bell n-gram of Python dictionaries and NumPy, a decoder in PyTorch.

They are written as one would without a compiler: clearly, with the fitting library calls, one token at a time.
"""

from collections import defaultdict
from typing import Any

import numpy as np


class PlainNgram:
    """Contexts as tuples in dictionaries, a NumPy array of counts each."""

    def __init__(self, symbols: int, order: int):
        self.symbols, self.order = symbols, order
        self.tables = [defaultdict(lambda: np.zeros(symbols)) for _ in range(order)]

    def fit(self, documents: list[list[int]]) -> None:
        """Count every token after each of its contexts, up to the end of each document."""
        for document in documents:
            past = (0,) * (self.order - 1)
            for token in document:
                for k, table in enumerate(self.tables):
                    table[past[len(past) - k :]][token] += 1
                if token == 0:
                    break
                past = (*past[1:], token)

    def after(self, past: tuple[int, ...]) -> np.ndarray:
        """Probabilities of the next token [V]."""
        p = np.full(self.symbols, 1 / self.symbols)
        for k, table in enumerate(self.tables):
            counts = table.get(past[len(past) - k :])
            if counts is not None:
                types = np.count_nonzero(counts)
                p = (counts + types * p) / (counts.sum() + types)
        return p

    def write(self, rng: np.random.Generator, n: int, length: int) -> list[list[int]]:
        """n documents, the end of each among its tokens."""
        found = []
        for _ in range(n):
            past, document = (0,) * (self.order - 1), []
            for _ in range(length):
                p = self.after(past)
                token = int(np.searchsorted(np.cumsum(p), rng.random() * p.sum()))
                document.append(token)
                if token == 0:
                    break
                past = (*past[1:], token)
            found.append(document)
        return found


class TorchDecoder:
    """The network of `selfloop.models.neural.transformer` and its optimiser, in PyTorch."""

    def __init__(self, symbols: int, length: int, width: int, layers: int, heads: int):
        import torch

        torch.manual_seed(0)
        torch.set_num_threads(1)  # threads that wait for each other spin, which core-seconds would count
        self.torch, self.heads, self.length = torch, heads, length
        parts = {"table": torch.nn.Embedding(symbols, width), "last": torch.nn.RMSNorm(width)}
        blocks = torch.nn.ModuleList(self._block(width) for _ in range(layers))
        self.net = torch.nn.ModuleDict(parts | {"blocks": blocks})
        half = width // heads // 2
        angle = torch.arange(length)[:, None] * 10_000.0 ** (-torch.arange(half) / half)[None]
        self.turn = torch.cos(angle)[None, None], torch.sin(angle)[None, None]
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=1e-3, weight_decay=0.01)
        self.average = [p.detach().clone() for p in self.net.parameters()]

    def _block(self, width: int) -> Any:
        nn, sizes = self.torch.nn, {"in": (1, 3), "out": (1, 1), "up": (1, 4), "down": (4, 1)}
        layers = {name: nn.Linear(a * width, b * width, bias=False) for name, (a, b) in sizes.items()}
        return nn.ModuleDict(layers | {"one": nn.RMSNorm(width), "two": nn.RMSNorm(width)})

    def parameters(self) -> int:
        """How many weights there are."""
        return sum(p.numel() for p in self.net.parameters())

    def logits(self, tokens: Any) -> Any:
        """Of the token after each [N, T, V]."""
        functional, (cos, sin) = self.torch.nn.functional, self.turn
        n, length = tokens.shape
        x = self.net["table"](tokens)
        for block in self.net["blocks"]:
            query, key, value = block["in"](block["one"](x)).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            turned = []
            for part in (query, key):
                one, two = part.chunk(2, -1)
                turned.append(self.torch.cat([one * cos - two * sin, one * sin + two * cos], -1))
            seen = functional.scaled_dot_product_attention(*turned, value, is_causal=True)
            x = x + block["out"](seen.transpose(1, 2).reshape(n, length, -1))
            x = x + block["down"](functional.gelu(block["up"](block["two"](x)), approximate="tanh"))
        return self.net["last"](x) @ self.net["table"].weight.T

    def steps(self, documents: np.ndarray, count: int) -> None:
        """Training steps on batches drawn from documents [N, T], as many as there are."""
        torch = self.torch
        for _ in range(count):
            x = torch.from_numpy(documents).long()[torch.randint(len(documents), (len(documents),))]
            before = torch.nn.functional.pad(x[:, :-1], (1, 0))
            counted = torch.nn.functional.pad(x[:, :-1] != 0, (1, 0), value=True)
            nats = torch.nn.functional.cross_entropy(self.logits(before).transpose(1, 2), x, reduction="none")
            loss = (nats * counted).sum() / counted.sum()
            self.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.optimiser.step()
            for kept, new in zip(self.average, self.net.parameters(), strict=True):
                kept.lerp_(new.detach(), 0.005)
