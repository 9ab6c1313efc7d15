"""The layers that are compared, each as ``peer(threads)``, with its own kind of array."""

from __future__ import annotations

from typing import Any

import numpy as np

from sigcli import Sigmoid


class Ours:
    """The layer of this package, kept from pass to pass as a network keeps it."""

    array = staticmethod(np.asarray)

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self.layer = Sigmoid(threads)

    def forward(self, x: Any) -> Any:
        """Return σ(x)."""
        return self.layer.forward(x)

    def both(self, x: Any, dout: Any) -> tuple[Any, Any]:
        """Return σ(x) and the gradient."""
        return self.layer.forward(x), self.layer.backward(dout)


class New(Ours):
    """The same, but a new layer each time, which has to find memory for its cache."""

    def forward(self, x: Any) -> Any:
        """Return σ(x)."""
        return Sigmoid(self.threads).forward(x)


class Book:
    """The book's formula in NumPy."""

    array = staticmethod(np.asarray)

    def __init__(self, threads: int = 1) -> None:
        if threads != 1:
            raise ValueError(f"NumPy computes on one thread, not on {threads}")

    def forward(self, x: Any) -> Any:
        """Return σ(x)."""
        return 1 / (1 + np.exp(-x))

    def both(self, x: Any, dout: Any) -> tuple[Any, Any]:
        """Return σ(x) and the gradient."""
        out = self.forward(x)
        return out, dout * (1.0 - out) * out


class SciPy(Book):
    """The book's gradient, with SciPy's σ."""

    def __init__(self, threads: int = 1) -> None:
        super().__init__(threads)
        from scipy.special import expit

        self.forward = expit


class Torch:
    """PyTorch's σ, and its gradient by autograd."""

    def __init__(self, threads: int = 1) -> None:
        import torch

        torch.set_num_threads(threads)
        self.array, self.sigmoid = torch.from_numpy, torch.sigmoid

    def forward(self, x: Any) -> Any:
        """Return σ(x)."""
        return self.sigmoid(x)

    def both(self, x: Any, dout: Any) -> tuple[Any, Any]:
        """Return σ(x) and the gradient."""
        y = self.sigmoid(x.requires_grad_())
        y.backward(dout)
        dx, x.grad = x.grad, None
        return y.detach(), dx


PEERS: dict[str, type] = {"ours": Ours, "new": New, "book": Book, "scipy": SciPy, "torch": Torch}
