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
from geomdl.models.core.model_class import BuildsModel, model_class
from geomdl.models.core.steerable import SteerableConfig, convolution_block, invariant_head
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
from geomdl.models.zoo.branched.googlenet import GoogLeNetConfig
from geomdl.models.zoo.branched.inception_v3 import InceptionV3Config
from geomdl.models.zoo.branched.squeezenet import SqueezeNetConfig
from geomdl.models.zoo.plain.alexnet import AlexNetConfig
from geomdl.models.zoo.plain.vgg import VGGConfig
from geomdl.models.zoo.residual.cifar_resnet import CIFARResNetConfig
from geomdl.models.zoo.residual.densenet import CIFARDenseNetConfig, DenseNetConfig
from geomdl.models.zoo.residual.fractalnet import FractalNetConfig
from geomdl.models.zoo.residual.mobilenet import MobileNetV2Config
from geomdl.models.zoo.residual.resnet import ImageNetResNetConfig
from geomdl.registry import Registry

MODELS = Registry("model.name", group="geomdl.models", adapt=model_class)
"""Every model by name; the fields of its dataclass are the keys that ``config.model`` takes.

Further ones: ``MODELS.register("name", …)``, plug-ins (entry points of the group ``geomdl.models``), and any
``package.module:Name`` or ``path/file.py:Name``; see `geomdl.models.core.model_class.model_class` for what they may be.
"""
MODELS.register("linear", LinearConfig)
MODELS.register("perceptron", PerceptronConfig)
MODELS.register("mlp", MLPConfig)
MODELS.register("local", LocalConfig)
MODELS.register("cnn", CNNConfig)
MODELS.register("ti_cnn", TranslationInvariantConfig)
MODELS.register("gcnn", GCNNConfig)
MODELS.register("off_grid", OffGridConfig)
MODELS.register("steerable_example", SteerableExampleConfig)
MODELS.register("mnist_benchmark", MNISTBenchmarkConfig)
MODELS.register("mnist_final", MNISTFinalConfig)
MODELS.register("harmonic", HarmonicConfig)
MODELS.register("e2_wrn", WideResNetConfig)
MODELS.register("resnet", ResNetConfig)
MODELS.register("vision_transformer", VisionTransformerConfig)
MODELS.register("unet_2015", UNet2015Config)
MODELS.register("unet", UNetConfig)
MODELS.register("group_unet", GroupUNetConfig)
MODELS.register("shift_unet", ShiftUNetConfig)
MODELS.register("fcn", FCNConfig)
for _depth in (121, 161, 169, 201):
    MODELS.register(f"densenet{_depth}", DenseNetConfig, {"depth": _depth})
MODELS.register("densenet_cifar", CIFARDenseNetConfig)
MODELS.register("densenet_bc_cifar", CIFARDenseNetConfig, {"depth": 100, "bottleneck": True})
MODELS.register("squeezenet1_0", SqueezeNetConfig)
MODELS.register("squeezenet1_1", SqueezeNetConfig, {"version": "1.1"})
MODELS.register("mobilenet_v2", MobileNetV2Config)
MODELS.register("googlenet", GoogLeNetConfig)
MODELS.register("inception_v3", InceptionV3Config)
MODELS.register("fractalnet", FractalNetConfig)

__all__ = [
    "MODELS",
    "AlexNetConfig",
    "BuildsModel",
    "CIFARDenseNetConfig",
    "CIFARResNetConfig",
    "CNNConfig",
    "DenseNetConfig",
    "Exported",
    "FCNConfig",
    "FractalNetConfig",
    "GCNNConfig",
    "GoogLeNetConfig",
    "GroupUNetConfig",
    "HarmonicConfig",
    "ImageNetResNetConfig",
    "ImageShape",
    "InceptionV3Config",
    "InexactSizeWarning",
    "LinearConfig",
    "LocalConfig",
    "MLPConfig",
    "MNISTBenchmarkConfig",
    "MNISTFinalConfig",
    "MobileNetV2Config",
    "ModelConfig",
    "OffGridConfig",
    "PerceptronConfig",
    "ResNetConfig",
    "ScalableConfig",
    "ShiftUNetConfig",
    "SqueezeNetConfig",
    "SteerableConfig",
    "SteerableExampleConfig",
    "Summary",
    "TranslationInvariantConfig",
    "Tuned",
    "UNet2015Config",
    "UNetConfig",
    "VGGConfig",
    "VisionTransformerConfig",
    "WideResNetConfig",
    "autotune",
    "conv_multiplications",
    "conv_parameters",
    "convolution_block",
    "count_parameters",
    "dense_multiplications",
    "dense_parameters",
    "exact_sizes_near",
    "export",
    "invariant_head",
    "local_multiplications",
    "local_parameters",
    "perceptron_update",
    "summarize",
]  # fmt: skip

__experimental__ = [
    "BuildsModel", "CIFARDenseNetConfig", "DenseNetConfig", "Exported", "FractalNetConfig", "GoogLeNetConfig",
    "HarmonicConfig", "InceptionV3Config", "MNISTBenchmarkConfig", "MNISTFinalConfig", "MobileNetV2Config",
    "ScalableConfig", "SqueezeNetConfig", "SteerableConfig", "Tuned", "VisionTransformerConfig", "WideResNetConfig",
    "autotune", "convolution_block", "export", "invariant_head", "perceptron_update",
]  # fmt: skip
