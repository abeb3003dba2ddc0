"""Training and evaluation batches: every example once, functions of seed and step, streamed or on the device."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from geomdl.data import DeviceLoader, Split, StreamLoader, eval_batches, make_loader, unit_interval
from geomdl.data.loading.shuffle import shuffled


@pytest.fixture(scope="module")
def split():
    """Frame i is the constant i; its label is i."""
    numbers = np.arange(50)
    return Split(
        np.broadcast_to(numbers[:, None, None, None], (50, 4, 4, 1)).astype(np.uint8), numbers.astype(np.int32)
    )


@pytest.fixture(params=[DeviceLoader, StreamLoader])
def loader_class(request):
    return request.param


def order(loader, steps):
    """The labels that come, step by step; images are checked to go with them."""
    labels = []
    select = jax.jit(loader.select)
    for step in steps:
        batch = select(loader.fetch(step), step)
        assert batch["image"].dtype == jnp.float32
        np.testing.assert_allclose(batch["image"][:, 0, 0, 0] * 255, batch["label"], rtol=1e-6)
        labels.append(np.asarray(batch["label"]).tolist())
    loader.close()
    return labels


def test_each_example_once_an_epoch_in_a_new_order(split, loader_class):
    loader = loader_class(split, batch_size=10, seed=0)
    assert (loader.num_examples, loader.steps_per_epoch) == (50, 5)
    batches = order(loader, range(15))
    epochs = [np.concatenate(batches[k : k + 5]).tolist() for k in (0, 5, 10)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(50))
        assert epoch != list(range(50))
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


def test_the_remainder_of_an_epoch_is_dropped_not_repeated(split, loader_class):
    loader = loader_class(split, batch_size=16, seed=0)
    assert loader.steps_per_epoch == 3
    batches = order(loader, range(6))
    for epoch in (np.concatenate(batches[:3]), np.concatenate(batches[3:])):
        assert len(set(epoch.tolist())) == 48


def test_a_batch_is_a_function_of_seed_and_step(split, loader_class):
    whole = order(loader_class(split, batch_size=8, seed=3), range(14))
    assert order(loader_class(split, batch_size=8, seed=3), range(9, 14)) == whole[9:]
    assert order(loader_class(split, batch_size=8, seed=3), [11, 2, 3, 2]) == [whole[k] for k in (11, 2, 3, 2)]
    assert order(loader_class(split, batch_size=8, seed=4), range(1)) != whole[:1]


def test_seeds_do_not_share_epochs(split, loader_class):
    first = order(loader_class(split, batch_size=10, seed=0), range(10))
    second = order(loader_class(split, batch_size=10, seed=1), range(10))
    assert not any(batch in first for batch in second)


def test_the_device_loader_selects_inside_jit_and_transfers_nothing(split):
    loader = make_loader(split, batch_size=8, seed=3)
    assert isinstance(loader, DeviceLoader)
    eager = [np.asarray(loader.select(loader.fetch(k), k)["label"]) for k in range(2)]
    select = jax.jit(loader.select)
    with jax.transfer_guard_host_to_device("disallow_explicit"):
        resident = loader.fetch(0)
        assert loader.fetch(7) is resident
    for k in range(2):
        np.testing.assert_array_equal(select(resident, k)["label"], eager[k])
    assert select._cache_size() == 1


def test_large_splits_stream(split):
    loader = make_loader(split, batch_size=8, seed=0, device_limit_bytes=100, start_step=5)
    assert isinstance(loader, StreamLoader)
    assert order(loader, [5]) == order(StreamLoader(split, 8, 0), [5])


def test_worker_processes_give_the_same_batches(split):
    steps = range(3, 8)
    assert order(StreamLoader(split, 8, 3, worker_count=2), steps) == order(StreamLoader(split, 8, 3), steps)


def test_closing_twice_is_allowed(split):
    loader = StreamLoader(split, 8, 0)
    loader.close()
    loader.fetch(0)
    loader.close()
    loader.close()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 17, 100, 1197])
def test_shuffled_is_a_permutation(count):
    keys = jax.random.split(jax.random.key(0), 50)
    orders = jax.jit(jax.vmap(lambda key: shuffled(jnp.arange(count), count, key)))(keys)
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.broadcast_to(np.arange(count), (50, count)))


def test_shuffled_is_uniform():
    """Each place is equally likely for each example, and neighbours do not stay together."""
    count = 12
    keys = jax.random.split(jax.random.key(0), 6000)
    orders = np.asarray(jax.jit(jax.vmap(lambda key: shuffled(jnp.arange(count), count, key)))(keys))
    table = np.stack([np.bincount(orders[:, k], minlength=count) for k in range(count)])
    assert stats.chisquare(table.ravel(), ddof=2 * count - 2).pvalue > 0.001
    gaps = np.bincount((orders[:, 1] - orders[:, 0]) % count, minlength=count)
    assert gaps[0] == 0
    assert stats.chisquare(gaps[1:]).pvalue > 0.001


@pytest.mark.parametrize("batch_size", [1, 7, 25, 50, 64])
def test_evaluation_sees_every_example_once(split, batch_size):
    batches = list(eval_batches(split, batch_size))
    assert {batch["image"].shape for batch in batches} == {(batch_size, 4, 4, 1)}
    mask = np.concatenate([batch["mask"] for batch in batches])
    labels = np.concatenate([batch["label"] for batch in batches])
    images = np.concatenate([batch["image"] for batch in batches])
    assert labels[mask == 1].tolist() == list(range(50))
    np.testing.assert_allclose(images[mask == 1, 0, 0, 0] * 255, np.arange(50), rtol=1e-6)
    assert mask.sum() == 50


def test_unsigned_integers_are_scaled_and_floats_are_not():
    np.testing.assert_array_equal(unit_interval(np.array([0, 65535], np.uint16)), [0, 1])
    np.testing.assert_array_equal(unit_interval(np.array([0.25, 3.0], np.float32)), [0.25, 3.0])


@pytest.mark.parametrize("batch_size", [0, 51, 2.5])
def test_impossible_batch_sizes(split, loader_class, batch_size):
    with pytest.raises(ValueError, match=rf"training.batch_size {batch_size}; allowed: a whole number, 1 to 50"):
        loader_class(split, batch_size, seed=0)


def test_other_bad_arguments(split):
    with pytest.raises(ValueError, match="invalid batch_size 0"):
        eval_batches(split, 0)
    with pytest.raises(ValueError, match="start_step -1"):
        make_loader(split, 5, 0, start_step=-1)
    with pytest.raises(ValueError, match="worker_count -1"):
        StreamLoader(split, 5, 0, worker_count=-1)
