"""Networks made of layers."""

from geomdl.models.classification.convolutional import CNNConfig, GCNNConfig, TranslationInvariantConfig
from geomdl.models.classification.fully_connected import (
    LinearConfig,
    LocalConfig,
    MLPConfig,
    PerceptronConfig,
    perceptron_update,
)
from geomdl.models.classification.mnist_family import HarmonicConfig, MNISTBenchmarkConfig, MNISTFinalConfig
from geomdl.models.classification.off_grid import OffGridConfig
from geomdl.models.classification.resnet import ResNetConfig
from geomdl.models.classification.steerable_example import SteerableExampleConfig
from geomdl.models.classification.vision_transformer import VisionTransformerConfig
from geomdl.models.classification.wide_resnet import WideResNetConfig
from geomdl.models.core.config import ImageShape, ModelConfig, ScalableConfig, count_parameters
from geomdl.models.core.exactness import InexactSizeWarning, exact_sizes_near
from geomdl.models.segmentation.fcn import FCNConfig
from geomdl.models.segmentation.group_unet import GroupUNetConfig
from geomdl.models.segmentation.shift_unet import ShiftUNetConfig
from geomdl.models.segmentation.unet import UNet2015Config, UNetConfig
from geomdl.models.tools.autotune import Tuned, autotune
from geomdl.models.tools.counting import (
    conv_multiplications,
    conv_parameters,
    dense_multiplications,
    dense_parameters,
    local_multiplications,
    local_parameters,
)
from geomdl.models.tools.export import Exported, export
from geomdl.models.tools.summary import Summary, summarize

MODELS: dict[str, type[ModelConfig]] = {
    "linear": LinearConfig,
    "perceptron": PerceptronConfig,
    "mlp": MLPConfig,
    "local": LocalConfig,
    "cnn": CNNConfig,
    "ti_cnn": TranslationInvariantConfig,
    "gcnn": GCNNConfig,
    "off_grid": OffGridConfig,
    "steerable_example": SteerableExampleConfig,
    "mnist_benchmark": MNISTBenchmarkConfig,
    "mnist_final": MNISTFinalConfig,
    "harmonic": HarmonicConfig,
    "e2_wrn": WideResNetConfig,
    "resnet": ResNetConfig,
    "vision_transformer": VisionTransformerConfig,
    "unet_2015": UNet2015Config,
    "unet": UNetConfig,
    "group_unet": GroupUNetConfig,
    "shift_unet": ShiftUNetConfig,
    "fcn": FCNConfig,
}
"""Every model by name; its dataclass fields are the keys that ``config.model`` takes."""

__all__ = [
    "MODELS", "CNNConfig", "Exported", "FCNConfig", "GCNNConfig", "GroupUNetConfig", "HarmonicConfig", "ImageShape",
    "InexactSizeWarning", "LinearConfig", "LocalConfig", "MLPConfig", "MNISTBenchmarkConfig", "MNISTFinalConfig",
    "ModelConfig", "OffGridConfig", "PerceptronConfig", "ResNetConfig", "ScalableConfig", "ShiftUNetConfig",
    "SteerableExampleConfig", "Summary", "TranslationInvariantConfig", "Tuned", "UNet2015Config", "UNetConfig",
    "VisionTransformerConfig", "WideResNetConfig", "autotune", "conv_multiplications", "conv_parameters",
    "count_parameters", "dense_multiplications", "dense_parameters", "exact_sizes_near", "export",
    "local_multiplications", "local_parameters", "perceptron_update", "summarize",
]  # fmt: skip

__experimental__ = [
    "Exported", "HarmonicConfig", "MNISTBenchmarkConfig", "MNISTFinalConfig", "ScalableConfig", "Tuned",
    "VisionTransformerConfig", "WideResNetConfig", "autotune", "export", "perceptron_update",
]  # fmt: skip
