"""Batches of rows, and their augmentation."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from models.training.augmentation import augmented
from models.training.options import Loss, TrainingOptions
from models.training.sampling import batches

LABELS = np.repeat(np.arange(7), [9, 8, 3, 4, 6, 1, 5])
SHUFFLED = TrainingOptions(batch=10, steps=1)
TRIPLETS = TrainingOptions(loss=Loss.TRIPLET, batch=12, pictures_per_person=4, steps=1)


def test_shuffled_batches_hold_every_picture_at_most_once() -> None:
    rows = batches(LABELS, SHUFFLED, 0)
    assert [len(each) for each in rows] == [10, 10, 10]
    assert Counter(np.concatenate(rows)).most_common(1)[0][1] == 1
    seen = np.concatenate([np.concatenate(batches(LABELS, SHUFFLED, epoch)) for epoch in range(9)])
    assert set(seen) == set(range(len(LABELS)))


def test_fewer_pictures_than_a_batch_are_one_batch() -> None:
    assert [len(each) for each in batches(LABELS[:6], TrainingOptions(batch=64, steps=1), 0)] == [6]


def test_few_pictures_are_gone_through_several_times() -> None:
    rows = batches(LABELS, SHUFFLED.model_copy(update={"steps": 7}), 0)
    assert len(rows) == 9
    passes = [np.concatenate(rows[start : start + 3]).tolist() for start in (0, 3, 6)]
    assert len({tuple(each) for each in passes}) == 3
    assert all(len(set(each)) == 30 for each in passes)


def test_batches_of_triplets_hold_whole_groups_of_people() -> None:
    rows = batches(LABELS, TRIPLETS, 3)
    assert all(len(each) == 12 for each in rows)
    for each in rows:
        people = LABELS[each].reshape(3, 4)
        assert (people == people[:, :1]).all()
        assert len(set(people[:, 0])) > 1


def test_every_picture_comes_in_groups_of_its_person() -> None:
    seen = np.concatenate([np.concatenate(batches(LABELS, TRIPLETS, epoch)) for epoch in range(9)])
    assert set(seen) == set(range(len(LABELS)))


@pytest.mark.parametrize("options", [SHUFFLED, TRIPLETS], ids=["shuffled", "triplets"])
def test_batches_depend_on_seed_and_epoch_alone(options: TrainingOptions) -> None:
    def rows(seed: int, epoch: int) -> list[list[int]]:
        return [each.tolist() for each in batches(LABELS, options.model_copy(update={"seed": seed}), epoch)]

    assert rows(1, 2) == rows(1, 2)
    assert rows(1, 2) != rows(1, 3)
    assert rows(1, 2) != rows(2, 2)


def test_augmentation_changes_pictures_and_can_be_repeated() -> None:
    ramp = np.linspace(0, 255, 48)
    image = np.stack([np.add.outer(ramp, ramp) / 2, np.tile(ramp, (48, 1)), np.tile(ramp[:, None], (1, 48))], axis=2)
    images = np.stack([image.astype(np.uint8)] * 40)
    first = augmented(images, seed=1, epoch=2, step=3)
    assert (first.shape, first.dtype) == (images.shape, np.float32)
    assert (first == augmented(images, seed=1, epoch=2, step=3)).all()
    for other in ({"seed": 2}, {"epoch": 3}, {"step": 4}):
        assert (first != augmented(images, **({"seed": 1, "epoch": 2, "step": 3} | other))).any()
    assert (first.min() >= 0, first.max() <= 255) == (True, True)
    assert (abs(first - first[:1]).mean(axis=(1, 2, 3))[1:] > 1).all()
    # The ramp from left to right falls where the picture is mirrored: about half of them.
    mirrored = [each[:, :, 1].mean(axis=0)[4:-4] for each in first]
    assert 10 <= sum(row[0] > row[-1] for row in mirrored) <= 30
