"""Correct layers of many kinds and scales, and what can be done to them to make them wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


class Layer:
    """y = f(x); dx = g(x, y, dout)."""

    def __init__(self, f: Callable[[Array], Array], g: Callable[[Array, Array, Array], Array]):
        self.f, self.g = f, g

    def forward(self, x):
        self.x = np.array(x)
        self.y = np.asarray(self.f(self.x))
        return self.y.copy()

    def backward(self, dout):
        return np.asarray(self.g(self.x, self.y, np.array(dout)))


@dataclass(frozen=True)
class Case:
    """A layer, and the points to check it at: of one shape, drawn anew for each round."""

    name: str
    build: Callable[[], Layer]
    draw: Callable[[np.random.Generator], Array]
    rounds: int = 1
    rtol: float | None = None


def elementwise(f, slope):
    return lambda: Layer(f, lambda x, y, dout: dout * slope(x, y))


def uniform(low, high, *shape):
    return lambda rng: rng.uniform(low, high, shape or (200,))


def spread(low, high, *shape):
    """Of both signs, evenly over the orders of magnitude from `low` to `high`."""

    def draw(rng):
        size = np.exp(rng.uniform(np.log(low), np.log(high), shape or (200,)))
        return size * rng.choice([-1, 1], size.shape)

    return draw


def positive(low, high, *shape):
    return lambda rng: np.abs(spread(low, high, *shape)(rng))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_dx(x, y, dout):
    return y * (dout - (dout * y).sum(axis=-1, keepdims=True))


def weights(*shape, scale=1.0):
    return np.random.default_rng(7).normal(0, scale, shape)


def affine(scale=1.0):
    w, b = weights(5, 4, scale=scale), weights(4)
    return lambda: Layer(lambda x: x @ w + b, lambda x, y, dout: dout @ w.T)


def cross_entropy():
    t = np.eye(5)[np.arange(8) % 5]

    def loss(x):
        z = x - x.max(axis=-1, keepdims=True)
        return -np.mean(((z - np.log(np.exp(z).sum(axis=-1, keepdims=True))) * t).sum(axis=-1))

    return Layer(loss, lambda x, y, dout: dout * (softmax(x) - t) / len(x))


def batch_norm():
    return batch_norm_of(4)


def batch_norm_of(width):
    gamma = weights(width)

    def parts(x):
        centred = x - x.mean(axis=0)
        std = np.sqrt((centred**2).mean(axis=0) + 1e-6)
        return centred / std, std

    def dx(x, y, dout):
        xn, std = parts(x)
        d = gamma * dout
        return (d - d.mean(axis=0) - xn * (d * xn).mean(axis=0)) / std

    return Layer(lambda x: gamma * parts(x)[0] + 0.5, dx)


def layer_norm():
    def parts(x):
        centred = x - x.mean(axis=-1, keepdims=True)
        std = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        return centred / std, std

    def dx(x, y, d):
        xn, std = parts(x)
        mean = d.mean(axis=-1, keepdims=True)
        return (d - mean - xn * (d * xn).mean(axis=-1, keepdims=True)) / std

    return Layer(lambda x: parts(x)[0], dx)


def convolution():
    w = weights(2, 2, 3, 3)
    n, size = 6, 4

    def patches():
        return ((i, j, slice(i, i + size), slice(j, j + size)) for i in range(3) for j in range(3))

    def forward(x):
        return sum(np.einsum("nchw,fc->nfhw", x[:, :, a, b], w[:, :, i, j])
                   for i, j, a, b in patches())  # fmt: skip

    def backward(x, y, dout):
        dx = np.zeros((len(x), 2, n, n))
        for i, j, a, b in patches():
            dx[:, :, a, b] += np.einsum("nfhw,fc->nchw", dout, w[:, :, i, j])
        return dx

    return Layer(forward, backward)


def max_pool():
    def windows(x):
        n, c, h, w = x.shape
        return x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)

    def backward(x, y, dout):
        blocks = windows(x)
        flat = blocks.reshape(*blocks.shape[:4], 4)
        first = np.eye(4)[flat.argmax(axis=-1)] * dout[..., np.newaxis]
        return first.reshape(blocks.shape).transpose(0, 1, 2, 4, 3, 5).reshape(x.shape)

    return Layer(lambda x: windows(x).max(axis=(-1, -2)), backward)


def dropout():
    mask = weights(10, 20) > 0
    return Layer(lambda x: x * mask, lambda x, y, dout: dout * mask)


def unit_length():
    def length(x):
        return np.sqrt((x * x).sum(axis=-1, keepdims=True))

    def backward(x, y, dout):
        return (dout - y * (dout * y).sum(axis=-1, keepdims=True)) / length(x)

    return Layer(lambda x: x / length(x), backward)


def two_layers():
    w, v = weights(6, 7), weights(7, 3)

    def backward(x, y, dout):
        hidden = x @ w
        return ((dout @ v.T) * (hidden > 0)) @ w.T

    return Layer(lambda x: np.maximum(0, x @ w) @ v, backward)


def gelu_slope(x, y):
    u = 0.7978845608028654 * (x + 0.044715 * x**3)
    t = np.tanh(u)
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * 0.7978845608028654 * (1 + 3 * 0.044715 * x * x)


def narrow(dtype):
    def f(x):
        return np.tanh(np.asarray(x, dtype))

    return lambda: Layer(f, lambda x, y, dout: (dout * (1 - y * y)).astype(dtype))


WAVES = 2**30 * np.pi  # whole waves in every step that is a power of 2


CORRECT = [
    Case("sigmoid", elementwise(sigmoid, lambda x, y: y * (1 - y)), uniform(-40, 15)),
    Case("tanh", elementwise(np.tanh, lambda x, y: 1 - y * y), uniform(-5, 5)),
    Case("relu", elementwise(lambda x: np.maximum(0, x), lambda x, y: x > 0), uniform(-3, 3)),
    Case("relu near 0", elementwise(lambda x: np.maximum(0, x), lambda x, y: x > 0),
         spread(1e-12, 1)),
    Case("leaky relu", elementwise(lambda x: np.where(x > 0, x, 0.01 * x),
                                   lambda x, y: np.where(x > 0, 1, 0.01)), uniform(-3, 3)),
    Case("abs", elementwise(np.abs, lambda x, y: np.sign(x)), spread(1e-6, 1e6)),
    Case("clip", elementwise(lambda x: np.clip(x, -1, 1), lambda x, y: np.abs(x) < 1),
         uniform(-3, 3)),
    Case("softplus", elementwise(lambda x: np.logaddexp(0, x), lambda x, y: sigmoid(x)),
         uniform(-30, 30)),
    Case("elu", elementwise(lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
                            lambda x, y: np.where(x > 0, 1, y + 1)), uniform(-5, 5)),
    Case("gelu", elementwise(
        lambda x: 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))), gelu_slope),
        uniform(-3, 3)),
    Case("swish", elementwise(lambda x: x * sigmoid(x),
                              lambda x, y: y + sigmoid(x) * (1 - y)), uniform(-8, 8)),
    Case("exp", elementwise(np.exp, lambda x, y: y), uniform(-50, 50)),
    Case("log", elementwise(np.log, lambda x, y: 1 / x), positive(1e-9, 1e9)),
    Case("sqrt", elementwise(np.sqrt, lambda x, y: 0.5 / y), positive(1e-9, 1e9)),
    Case("1 / x", elementwise(lambda x: 1 / x, lambda x, y: -y / x), spread(1e-6, 1e6)),
    Case("square", elementwise(lambda x: x * x, lambda x, y: 2 * x), spread(1e-9, 1e9)),
    Case("cube", elementwise(lambda x: x**3, lambda x, y: 3 * x * x), spread(1e-3, 1e3)),
    Case("sin(1000 x)", elementwise(lambda x: np.sin(1000 * x),
                                    lambda x, y: 1000 * np.cos(1000 * x)), uniform(-3, 3)),
    Case("sin(1e9 x)", elementwise(lambda x: np.sin(1e9 * x), lambda x, y: 1e9 * np.cos(1e9 * x)),
         uniform(-3, 3)),
    Case("sin(2 ** 30 pi x)", elementwise(
        lambda x: np.sin(WAVES * x), lambda x, y: WAVES * np.cos(WAVES * x)), uniform(-3, 3)),
    Case("sin(x / 1000)", elementwise(lambda x: np.sin(x / 1000),
                                      lambda x, y: np.cos(x / 1000) / 1000), uniform(-9e3, 9e3)),
    Case("arctan(1e4 x)", elementwise(lambda x: np.arctan(1e4 * x),
                                      lambda x, y: 1e4 / (1 + 1e8 * x * x)), spread(1e-6, 1)),
    Case("1e-310 tanh", elementwise(lambda x: 1e-310 * np.tanh(x),
                                    lambda x, y: 1e-310 * (1 - np.tanh(x) ** 2)), uniform(-2, 2)),
    Case("1e300 tanh", elementwise(lambda x: 1e300 * np.tanh(x),
                                   lambda x, y: 1e300 * (1 - np.tanh(x) ** 2)), uniform(-3, 3)),
    Case("1e6 + tanh", elementwise(lambda x: 1e6 + np.tanh(x),
                                   lambda x, y: 1 - np.tanh(x) ** 2), uniform(-2, 2)),
    Case("tanh in float32", narrow(np.float32), uniform(-3, 3)),
    Case("tanh in float16", narrow(np.float16), uniform(-3, 3)),
    Case("dropout with a fixed mask", dropout, uniform(-3, 3, 10, 20)),
    Case("affine", affine(), uniform(-3, 3, 8, 5), rounds=5),
    Case("affine, weights of 1e6", affine(1e6), spread(1e-3, 1e3, 8, 5), rounds=5),
    Case("softmax", lambda: Layer(softmax, softmax_dx), uniform(-5, 5, 8, 5), rounds=5),
    Case("softmax with cross entropy", cross_entropy, uniform(-5, 5, 8, 5), rounds=5),
    Case("batch normalisation", batch_norm, uniform(-3, 3, 10, 4), rounds=5),
    Case("layer normalisation", layer_norm, spread(1e-2, 1e2, 8, 5), rounds=5),
    Case("convolution", convolution, uniform(-3, 3, 1, 2, 6, 6), rounds=3),
    Case("max pooling", max_pool, uniform(-3, 3, 2, 2, 4, 4), rounds=3),
    Case("unit length", unit_length, spread(1e-2, 1e2, 8, 5), rounds=5),
    Case("mean square", lambda: Layer(lambda x: np.mean(x * x),
                                      lambda x, y, dout: dout * 2 * x / x.size),
         uniform(-3, 3, 100), rounds=2),
    Case("cumulative sum", lambda: Layer(np.cumsum, lambda x, y, dout: np.cumsum(dout[::-1])[::-1]),
         uniform(-3, 3, 30), rounds=3),
    Case("two layers", two_layers, uniform(-3, 3, 6, 6), rounds=3),
]  # fmt: skip


def spoilt(case: Case, how: str) -> Layer | None:
    """Return the layer of a case with a wrong backward; None where the wrong way is right."""
    layer = case.build()
    right = layer.g

    def zeroed(x, y, dout):
        dx = np.array(right(x, y, dout))
        at = np.unravel_index(np.argmax(np.abs(dx)), dx.shape)
        dx[at] = 0
        return dx

    def transposed(x, y, dout):
        return right(x, y, np.swapaxes(dout, -1, -2).reshape(dout.shape))

    ways = {
        "1.001 ×": lambda x, y, dout: np.multiply(1.001, right(x, y, dout)),
        "sign": lambda x, y, dout: np.negative(right(x, y, dout)),
        "one zeroed": zeroed,
        "dout ignored": lambda x, y, dout: right(x, y, np.ones(y.shape)),
        "dout transposed": transposed,
    }
    layer.g = ways[how]
    return layer


WAYS = ("1.001 ×", "sign", "one zeroed", "dout ignored", "dout transposed")
