"""Images to test with: white noise, band-limited noise, blobs, and images with the statistics of photographs. NumPy."""

import functools

import numpy as np

from geomdl.errors import invalid

Size = tuple[int, ...]


def white_noise(rng: np.random.Generator, size: Size, channels: int = 1, batch: int = 1) -> np.ndarray:
    """Independent normal pixels: every frequency alike, and no symmetry that would hide an error.

    Args:
      rng: for the random numbers.
      size: height and width in pixels.
      channels: of each image.
      batch: how many images.

    Returns:
      ``[batch, height, width, channels]``, or with as many axes as the size has, float64, as do the other functions
      here.

    >>> white_noise(np.random.default_rng(0), (4, 5), channels=3).shape
    (1, 4, 5, 3)
    """
    return rng.normal(size=(batch, *size, channels))


def low_pass_noise(
    rng: np.random.Generator, size: Size, channels: int = 1, batch: int = 1, cutoff: float = 1 / 8
) -> np.ndarray:
    """Periodic normal noise without frequencies above a cutoff, of unit variance.

    Resampling changes such an image little, so that an error is the model's and not that of the interpolation.

    Args:
      rng: where the noise comes from.
      size: (height, width) in pixels.
      channels: how many.
      batch: how many images.
      cutoff: in cycles per pixel, at most 1/2; raised to the slowest wave that fits a small image.

    Raises:
      ValueError: for a cutoff outside (0, 1/2].

    >>> x = low_pass_noise(np.random.default_rng(0), (16, 16))
    >>> spectrum = np.abs(np.fft.fft2(x[0, ..., 0]))
    >>> bool(spectrum[8, 8] < 1e-9 * spectrum.max()), round(float(x.std()), 3)
    (True, 1.0)
    """
    if not 0 < cutoff <= 0.5:
        raise invalid("cutoff", cutoff, "cycles per pixel in (0, 0.5]", 0.125)
    frequency = _frequency(size)
    kept = (frequency <= max(cutoff, 1.5 / min(size))) & (frequency > 0)
    return _shaped(white_noise(rng, size, channels, batch), kept.astype(float))


def blobs(
    rng: np.random.Generator, size: Size, channels: int = 1, batch: int = 1, count: int = 4, width: float = 2.0
) -> np.ndarray:
    """Sums of Gaussian blobs a · exp(−|p − c|²/2w²) that keep away from the border of the inscribed disc.

    Args:
      rng: where heights a and centres c come from.
      size: (height, width) in pixels.
      channels: how many.
      batch: how many images.
      count: blobs in every channel.
      width: w in pixels; 2 or more is smooth enough to be resampled well.
    """
    height, columns = size
    reach = max(min(size) / 2 - 2 * width, 0.5)
    radius = reach * np.sqrt(rng.uniform(size=(batch, count, channels)))
    angle = rng.uniform(0, 2 * np.pi, (batch, count, channels))
    heights = rng.normal(size=(batch, count, channels))
    rows = np.arange(height)[:, None, None, None] - (height - 1) / 2
    across = np.arange(columns)[:, None, None] - (columns - 1) / 2
    distance = (rows - (radius * np.sin(angle))[:, None, None]) ** 2
    distance = distance + (across - (radius * np.cos(angle))[:, None, None]) ** 2
    return np.einsum("bkc,bijkc->bijc", heights, np.exp(-distance / (2 * width**2)))


def natural_like(
    rng: np.random.Generator, size: Size, channels: int = 1, batch: int = 1, leaves: int = 24
) -> np.ndarray:
    """Images with the amplitude spectrum 1/f of photographs, and with edges: discs in front of 1/f noise.

    The discs hide one another, and their radii r have the density r⁻³ (dead leaves, with a smooth background and a
    little shading). Zero mean and unit variance over each image.

    Args:
      rng: where the noise and the discs come from.
      size: (height, width) in pixels.
      channels: how many; the discs are at the same places in all of them.
      batch: how many images.
      leaves: how many discs.

    References:
      Field, Relations between the statistics of natural images and the response properties of cortical cells,
      J. Opt. Soc. Am. A 4 (1987). Lee, Mumford & Huang, Occlusion models for natural images, IJCV 41 (2001).
    """
    frequency = _frequency(size)
    slope = np.divide(1.0, frequency, out=np.zeros(size), where=frequency > 0)
    images = _shaped(white_noise(rng, size, channels, batch), slope)
    rows, columns = np.ogrid[: size[0], : size[1]]
    largest = max(min(size) / 3, 1.5)
    for image in images:
        shading = 0.3 * image.copy()
        for _ in range(leaves):
            radius = 1 / np.sqrt(rng.uniform(1 / largest**2, 1))  # density r⁻³ on [1, largest]
            centre = rng.uniform(0, size)
            inside = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2
            image[inside] = rng.normal(size=channels) + shading[inside]
    images = images - images.mean((1, 2, 3), keepdims=True)
    return images / np.maximum(images.std((1, 2, 3), keepdims=True), 1e-12)


def _frequency(size: Size) -> np.ndarray:
    return functools.reduce(np.hypot, np.ix_(*(np.fft.fftfreq(n) for n in size)))


def _shaped(noise: np.ndarray, amplitude: np.ndarray) -> np.ndarray:
    """Noise with the spectrum multiplied by an amplitude ``[height, width]``, of unit variance in each image."""
    axes = tuple(range(1, noise.ndim - 1))
    spectrum = np.fft.fftn(noise, axes=axes) * amplitude[..., None]
    pixels = np.real(np.fft.ifftn(spectrum, axes=axes))
    return pixels / np.maximum(pixels.std(axis=axes, keepdims=True), 1e-12)
