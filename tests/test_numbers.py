"""Options that are several numbers, given as one, as a word, as a list or an array: of every section of a config."""

import numpy as np
import pytest

from geomdl.data import Augmentation, FolderConfig, TFDSConfig
from geomdl.models import MODELS
from geomdl.tasks import Classification, Segmentation
from geomdl.training.configuration.schedules import Step

CONFIGS = [
    ("schedule.boundaries", lambda value: Step(boundaries=value), "several", (10, 20)),
    ("augmentation.crop_area", lambda value: Augmentation(crop_area=value), "2", (0.25, 1.0)),
    ("augmentation.crop_aspect", lambda value: Augmentation(crop_aspect=value), "2", (0.5, 2.0)),
    ("top_k", lambda value: Classification(10, top_k=value), "several", (1, 5)),
    ("data.mask_values", lambda value: TFDSConfig("tfds:cells", mask_values=value), "several", (0, 255)),
    ("class_weights", lambda value: Segmentation(("a", "b"), class_weights=value), "several", (1.0, 2.0)),
    ("model.blocks", lambda value: MODELS["densenet121"](blocks=value), "several", (1, 1, 1, 1)),
]
IDS = [key for key, *_ in CONFIGS]


@pytest.mark.parametrize(("key", "make", "count", "good"), CONFIGS, ids=IDS)
def test_one_number_and_a_word_are_refused_by_the_name_of_the_option(key, make, count, good) -> None:
    for wrong in (3, "35", {"a": 1}):
        with pytest.raises(ValueError, match=rf"invalid {key} .*; allowed: {count} numbers"):
            make(wrong)
    with pytest.raises(ValueError, match=rf"invalid {key} 'a'; allowed: a (whole )?number"):
        make(("a",) * len(good))


@pytest.mark.parametrize(("key", "make", "count", "good"), CONFIGS, ids=IDS)
def test_lists_and_arrays_are_kept_as_tuples_of_numbers(key, make, count, good) -> None:
    name = key.rpartition(".")[2]
    for given in (good, list(good), np.array(good)):
        kept = getattr(make(given), name)
        assert kept == good
        assert type(kept) is tuple
        assert {type(number) for number in kept} <= {int, float}


def test_sizes_and_normalisations_of_folders() -> None:
    with pytest.raises(ValueError, match=r"invalid data.size \(32, 32, 3\); allowed: 2 numbers"):
        FolderConfig(path="photos", size=(32, 32, 3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"invalid data.normalize 3; allowed: 'imagenet', 'train' or"):
        FolderConfig(path="photos", normalize=3)  # type: ignore[arg-type]
    assert FolderConfig(path="photos", size=[32, 24]).size == (32, 24)  # type: ignore[arg-type]


def test_words_for_truth_are_refused() -> None:
    for wrong, near in (("False", False), ("yes", True), (1, True)):
        with pytest.raises(
            ValueError, match=f"invalid model.preactivation {wrong!r}; allowed: True or False; try {near}"
        ):
            MODELS["resnet50"](preactivation=wrong)
    assert MODELS["resnet50"](preactivation=np.True_).preactivation is True
