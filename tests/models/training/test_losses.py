"""The losses, against values and gradients worked out by hand and by finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow", reason="needs the models extra")
losses = pytest.importorskip("models.training.losses", reason="needs the models extra")

Array = NDArray[np.float64]


def gradient(loss: Callable, at: Array) -> Array:
    point = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(point)
        value = loss(point)
    return tape.gradient(value, point).numpy()


def differences(loss: Callable, at: Array, step: float = 1e-6) -> Array:
    """The gradient by central differences."""
    found = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        above, below = at.copy(), at.copy()
        above[place] += step
        below[place] -= step
        found[place] = (float(loss(tf.constant(above))) - float(loss(tf.constant(below)))) / (2 * step)
    return found


def direction(degrees: float, length: float = 1.0) -> list[float]:
    return [length * math.cos(math.radians(degrees)), length * math.sin(math.radians(degrees))]


def arcface(vectors: Array, centres: Array, labels: list[int], *, scale: float, margin: float) -> float:
    """The loss in plain Python, by the angles."""
    total = 0.0
    for vector, label in zip(vectors, labels, strict=True):
        logits = []
        for number, centre in enumerate(centres):
            cosine = float(vector @ centre / np.linalg.norm(vector) / np.linalg.norm(centre))
            logits.append(scale * math.cos(math.acos(cosine) + (margin if number == label else 0.0)))
        total += math.log(sum(map(math.exp, logits))) - logits[label]
    return total / len(labels)


def test_arcface_of_two_people_by_hand() -> None:
    # 30 degrees from its own centre, 60 from the other; the margin of 30 degrees makes both cosines 0.5.
    vectors, centres = tf.constant([direction(30, 7.0)]), tf.constant([direction(0, 3.0), direction(90)])
    loss = losses.arcface(vectors, centres, tf.constant([0]), scale=4.0, margin=math.radians(30))
    assert float(loss) == pytest.approx(math.log(2), abs=1e-5)
    # Without a margin: softmax of 4 cos 30 and 4 cos 60.
    plain = losses.arcface(vectors, centres, tf.constant([0]), scale=4.0, margin=0.0)
    assert float(plain) == pytest.approx(math.log(1 + math.exp(4 * 0.5 - 4 * math.sqrt(3) / 2)), abs=1e-5)


def test_the_gradient_of_arcface_of_two_people_by_hand() -> None:
    # Both probabilities are a half; turning a unit vector by an angle changes the loss by
    # scale (-sin(60) own (p - 1) - ... ): with t its angle, d loss/dt = scale/2 (sin(t + margin) + cos(t)).
    scale, margin = 4.0, math.radians(30)
    centres = tf.constant(np.array([direction(0), direction(90)]))
    found = gradient(
        lambda vectors: losses.arcface(vectors, centres, tf.constant([0]), scale=scale, margin=margin),
        np.array([direction(30)]),
    )[0]
    tangent = np.array([-math.sin(math.radians(30)), math.cos(math.radians(30))])
    assert found @ tangent == pytest.approx(scale / 2 * (math.sin(math.radians(60)) + math.cos(math.radians(30))))
    assert found @ np.array(direction(30)) == pytest.approx(0, abs=1e-12)  # its length does not matter


def test_arcface_agrees_with_plain_python_and_finite_differences() -> None:
    random = np.random.default_rng(4)
    vectors, centres, labels = random.normal(size=(6, 5)), random.normal(size=(3, 5)), [0, 1, 2, 2, 1, 0]
    given = {"scale": 8.0, "margin": 0.3}

    def loss_of_vectors(point):
        return losses.arcface(point, tf.constant(centres), tf.constant(labels), **given)

    def loss_of_centres(point):
        return losses.arcface(tf.constant(vectors), point, tf.constant(labels), **given)

    assert float(loss_of_vectors(tf.constant(vectors))) == pytest.approx(arcface(vectors, centres, labels, **given))
    assert abs(gradient(loss_of_vectors, vectors) - differences(loss_of_vectors, vectors)).max() < 1e-7
    assert abs(gradient(loss_of_centres, centres) - differences(loss_of_centres, centres)).max() < 1e-7


def test_the_cosine_with_a_margin_falls_with_the_angle_all_the_way() -> None:
    angles = np.linspace(0.01, math.pi, 500)
    enlarged = losses.with_margin(tf.constant(np.cos(angles)), 0.5).numpy()
    assert (np.diff(enlarged) < 0).all()
    below = angles < math.pi - 0.5
    assert enlarged[below] == pytest.approx(np.cos(angles[below] + 0.5), abs=1e-6)
    assert enlarged[~below] == pytest.approx(np.cos(angles[~below]) - 0.5 * math.sin(0.5))


def test_the_gradient_of_the_margin_is_finite_at_the_ends() -> None:
    cosines = np.array([1.0, -1.0, 0.0])
    found = gradient(lambda point: losses.with_margin(point, 0.5), cosines)
    # d cos(angle + margin) / d cos(angle) = sin(angle + margin) / sin(angle); a constant is subtracted near pi.
    assert found == pytest.approx([math.cos(0.5), 1.0, math.cos(0.5)])


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_gradients_are_finite_where_vectors_and_centres_coincide(kind: str) -> None:
    centres = np.array([[1, 0], [-1, 0]], kind)
    vectors = np.array([[2, 0], [-3, 0], [0, 0]], kind)  # on its centre, opposite to it, and nowhere
    found = gradient(
        lambda point: losses.arcface(point, tf.constant(centres), tf.constant([0, 0, 1]), scale=64.0, margin=0.5),
        vectors,
    )
    assert np.isfinite(found).all()


def triplets(vectors: Array, labels: list[int], margin: float) -> float:
    """The loss in plain Python."""
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = ((units[:, None] - units[None, :]) ** 2).sum(axis=2)
    found = []
    for anchor, own in enumerate(labels):
        others = [number for number, other in enumerate(labels) if other != own]
        for positive in [number for number, other in enumerate(labels) if other == own and number != anchor]:
            apart = distances[anchor, positive]
            farther = [distances[anchor, each] for each in others if distances[anchor, each] > apart]
            negative = min(farther) if farther else max(distances[anchor, each] for each in others)
            found.append(max(0.0, apart - negative + margin))
    return sum(found) / len(found)


def test_semi_hard_triplets_by_hand() -> None:
    # Squared distances are 2 - 2 cos: own 60 degrees apart (1.0); others at 45 (too near), 90 (2.0) and 180 (4.0).
    vectors = tf.constant([direction(0), direction(60), direction(-45), direction(-90), direction(180)])
    labels = tf.constant([0, 0, 1, 2, 3])
    # From the picture at 0: 90 degrees is the nearest that is farther. From that at 60: -45 is 105 degrees away.
    first, second = 1 - 2 + 1.5, 1 - (2 - 2 * math.cos(math.radians(105))) + 1.5
    loss = losses.semi_hard_triplets(vectors, labels, margin=1.5)
    assert float(loss) == pytest.approx((first + max(0, second)) / 2, abs=1e-6)


def test_without_a_semi_hard_picture_the_farthest_of_others_counts() -> None:
    vectors = tf.constant([direction(0), direction(120), direction(20), direction(40)])
    loss = losses.semi_hard_triplets(vectors, tf.constant([0, 0, 1, 2]), margin=0.2)
    apart = 2 - 2 * math.cos(math.radians(120))
    negatives = [2 - 2 * math.cos(math.radians(40)), 2 - 2 * math.cos(math.radians(100))]
    assert float(loss) == pytest.approx(sum(apart - each + 0.2 for each in negatives) / 2, abs=1e-6)


def test_triplets_agree_with_plain_python_and_finite_differences() -> None:
    random = np.random.default_rng(9)
    vectors, labels = random.normal(size=(12, 4)), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]

    def loss(point):
        return losses.semi_hard_triplets(point, tf.constant(labels), margin=0.4)

    assert float(loss(tf.constant(vectors))) == pytest.approx(triplets(vectors, labels, 0.4))
    found = gradient(loss, vectors)
    assert abs(found).max() > 0.01
    assert abs(found - differences(loss, vectors)).max() < 1e-6


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]], ids=["one-person", "one-picture-each"])
def test_batches_without_triplets_teach_nothing(labels: list[int]) -> None:
    vectors = np.random.default_rng(2).normal(size=(3, 4))
    given = tf.constant(labels)
    assert float(losses.semi_hard_triplets(tf.constant(vectors), given, margin=0.2)) == 0
    assert (gradient(lambda point: losses.semi_hard_triplets(point, given, margin=0.2), vectors) == 0).all()
