"""Losses that teach a network to embed. Imports TensorFlow.

Vectors are scaled to unit length here; networks need not do it.
"""

from __future__ import annotations

import tensorflow as tf

_LEAST_SQUARED_SINE = 1e-6
"""Below it the sine of an angle has no gradient, which would be infinite at 0 and at pi."""


def unit_length(vectors: tf.Tensor) -> tf.Tensor:
    """(N, D) -> (N, D), each row of unit length; zeros stay zeros, with a gradient."""
    return tf.math.l2_normalize(vectors, axis=1)


def arcface(
    vectors: tf.Tensor, centres: tf.Tensor, labels: tf.Tensor, *, scale: float, margin: float | tf.Tensor
) -> tf.Tensor:
    """The mean cross-entropy over the people, with the angle between a vector and its own person's centre enlarged.

    vectors: (N, D). centres: (C, D), learned, one for each person. labels: (N,) integers, below C. scale: of the
    cosines. margin: radians, added to the angle. Where the sum would exceed pi, its cosine would rise again; the cosine
    is lowered there by a constant instead.
    Source: Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition" (2019).
    """
    cosines = tf.matmul(unit_length(vectors), unit_length(centres), transpose_b=True)
    own = tf.gather(cosines, labels, axis=1, batch_dims=1)
    enlarged = with_margin(own, margin)
    chosen = tf.one_hot(labels, tf.shape(centres)[0], on_value=True, off_value=False, dtype=tf.bool)
    logits = scale * tf.where(chosen, enlarged[:, None], cosines)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def with_margin(cosines: tf.Tensor, margin: float | tf.Tensor) -> tf.Tensor:
    """cos(angle + margin) of the cosines of angles; above pi - margin, cos(angle) - margin sin(margin)."""
    margin = tf.cast(margin, cosines.dtype)
    sines = tf.sqrt(tf.maximum((1 - cosines) * (1 + cosines), _LEAST_SQUARED_SINE))
    enlarged = cosines * tf.cos(margin) - sines * tf.sin(margin)
    return tf.where(cosines > -tf.cos(margin), enlarged, cosines - margin * tf.sin(margin))


def semi_hard_triplets(vectors: tf.Tensor, labels: tf.Tensor, *, margin: float) -> tf.Tensor:
    """The mean triplet loss over all pairs of a person in the batch, each with one picture of somebody else.

    That is the nearest one that is farther away than the pair is apart (semi-hard); where there is none, the farthest
    of all. Distances are squared Euclidean. vectors: (N, D). labels: (N,). 0 without pairs, or without other people.
    Source: Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and Clustering" (2015), 3.1 and 3.2.
    """
    units = unit_length(vectors)
    distances = tf.maximum(2 - 2 * tf.matmul(units, units, transpose_b=True), 0)
    same = labels[:, None] == labels[None, :]
    pairs = tf.cast(same & ~tf.eye(tf.shape(labels)[0], dtype=tf.bool), vectors.dtype)
    negatives = _negative_distances(tf.stop_gradient(distances), ~same, distances)
    # Anchors without anybody else in the batch have no triplet.
    pairs *= tf.cast(tf.reduce_any(~same, axis=1, keepdims=True), vectors.dtype)
    losses = pairs * tf.maximum(distances - negatives + margin, 0)
    return tf.reduce_sum(losses) / tf.maximum(tf.reduce_sum(pairs), 1)


def _negative_distances(fixed: tf.Tensor, others: tf.Tensor, distances: tf.Tensor) -> tf.Tensor:
    """(N, N): for each pair (anchor, positive) the distance from the anchor to the chosen negative.

    fixed: the distances without a gradient, by which it is chosen. others: (N, N), where a picture is of somebody else.
    """
    farther = others[:, None, :] & (fixed[:, None, :] > fixed[:, :, None])  # (anchor, positive, negative)
    candidates = tf.where(farther, fixed[:, None, :], fixed.dtype.max)
    farthest = tf.argmax(tf.where(others, fixed, -1), axis=1)
    nearest = tf.argmin(candidates, axis=2)
    chosen = tf.where(tf.reduce_any(farther, axis=2), nearest, farthest[:, None])
    return tf.gather(distances, chosen, axis=1, batch_dims=1)
