"""Networks made of layers."""

from geomdl.models.classification.convolutional import CNNConfig, GCNNConfig, TranslationInvariantConfig
from geomdl.models.classification.fully_connected import (
    LinearConfig,
    LocalConfig,
    MLPConfig,
    PerceptronConfig,
    perceptron_update,
)
from geomdl.models.classification.irreps_network import IrrepsNetworkConfig
from geomdl.models.classification.mnist_family import HarmonicConfig, MNISTBenchmarkConfig, MNISTFinalConfig
from geomdl.models.classification.off_grid import OffGridConfig
from geomdl.models.classification.point_network import PointNetworkConfig
from geomdl.models.classification.steerable_example import SteerableExampleConfig
from geomdl.models.core.config import ImageShape, ModelConfig, ScalableConfig, count_parameters
from geomdl.models.core.exactness import InexactSizeWarning, exact_sizes_near
from geomdl.models.core.model_class import BuildsModel, model_class
from geomdl.models.core.steerable import SteerableConfig, convolution_block, invariant_head
from geomdl.models.detection.encodings.outputs import Candidates, DetectorOutputs, Encoding, Grid, Losses, Targets
from geomdl.models.detection.fcos import FCOSConfig
from geomdl.models.detection.localisation import LocaliserConfig
from geomdl.models.detection.sliding_window import SlidingWindowConfig, convolutional
from geomdl.models.detection.ssd import SSDConfig
from geomdl.models.detection.yolo import YOLOConfig
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
from geomdl.models.tools.features import FeatureLayer, feature_function, feature_layer
from geomdl.models.tools.summary import Summary, summarize
from geomdl.models.weights.mismatch import WeightsMismatch
from geomdl.models.weights.transfer import Loaded, load_weights, save_weights, weights_of
from geomdl.models.zoo.branched.googlenet import GoogLeNetConfig
from geomdl.models.zoo.branched.inception_v3 import InceptionV3Config
from geomdl.models.zoo.branched.squeezenet import SqueezeNetConfig
from geomdl.models.zoo.core.config import ZooConfig
from geomdl.models.zoo.plain.alexnet import AlexNetConfig
from geomdl.models.zoo.plain.all_cnn import AllCNNConfig
from geomdl.models.zoo.plain.deeply_supervised import DeeplySupervisedConfig
from geomdl.models.zoo.plain.highway import HighwayConfig
from geomdl.models.zoo.plain.lenet import LeNetConfig
from geomdl.models.zoo.plain.network_in_network import NetworkInNetworkConfig
from geomdl.models.zoo.plain.vgg import VGGConfig
from geomdl.models.zoo.residual.cifar_resnet import CIFARResNetConfig
from geomdl.models.zoo.residual.densenet import CIFARDenseNetConfig, DenseNetConfig
from geomdl.models.zoo.residual.e2_wide_resnet import WideResNetConfig
from geomdl.models.zoo.residual.fractalnet import FractalNetConfig
from geomdl.models.zoo.residual.invariant_resnet import ResNetConfig
from geomdl.models.zoo.residual.mobilenet import MobileNetV2Config
from geomdl.models.zoo.residual.resnet import ImageNetResNetConfig
from geomdl.models.zoo.residual.vision_transformer import VisionTransformerConfig
from geomdl.models.zoo.residual.wide_resnet import CIFARWideResNetConfig
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
MODELS.register("irreps_network", IrrepsNetworkConfig)
MODELS.register("point_network", PointNetworkConfig)
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
MODELS.register("highway", HighwayConfig)
MODELS.register("deeply_supervised", DeeplySupervisedConfig)

MODELS.register("lenet1", LeNetConfig, {"variant": "1"})
MODELS.register("lenet5", LeNetConfig)
MODELS.register("lenet5_modern", LeNetConfig, {"variant": "5-modern"})
MODELS.register("alexnet", AlexNetConfig)
MODELS.register("vgg", VGGConfig)
for _layers, _variant in ((11, "A"), (13, "B"), (16, "D"), (19, "E")):
    MODELS.register(f"vgg{_layers}", VGGConfig, {"variant": _variant})
    MODELS.register(f"vgg{_layers}_bn", VGGConfig, {"variant": _variant, "normalization": "batch"})
MODELS.register("network_in_network", NetworkInNetworkConfig)
MODELS.register("all_cnn", AllCNNConfig)
for _depth in (18, 34, 50, 101, 152):
    MODELS.register(f"resnet{_depth}", ImageNetResNetConfig, {"depth": _depth})
MODELS.register("resnext50_32x4d", ImageNetResNetConfig, {"cardinality": 32, "base_width": 4})
MODELS.register("wide_resnet50_2", ImageNetResNetConfig, {"base_width": 128})
MODELS.register("wide_resnet101_2", ImageNetResNetConfig, {"depth": 101, "base_width": 128})
MODELS.register("cifar_resnet", CIFARResNetConfig)
for _depth in (20, 32, 44, 56, 110, 1202):
    MODELS.register(f"cifar_resnet{_depth}", CIFARResNetConfig, {"depth": _depth})
MODELS.register("preactivation_resnet", CIFARResNetConfig, {"depth": 164, "preactivation": True, "bottleneck": True})
MODELS.register("stochastic_depth", CIFARResNetConfig, {"depth": 110, "survival": 0.5})
MODELS.register("wrn", CIFARWideResNetConfig)

MODELS.register("localiser", LocaliserConfig)
MODELS.register("sliding_window", SlidingWindowConfig)
MODELS.register("yolo_v1", YOLOConfig)
MODELS.register("fcos", FCOSConfig)
MODELS.register("oriented_fcos", FCOSConfig, {"oriented": True})
MODELS.register("ssd", SSDConfig)

__all__ = [
    "MODELS", "AlexNetConfig", "AllCNNConfig", "BuildsModel", "CIFARDenseNetConfig", "CIFARResNetConfig",
    "CIFARWideResNetConfig", "CNNConfig", "Candidates", "DeeplySupervisedConfig", "DenseNetConfig",
    "DetectorOutputs", "Encoding", "Exported", "FCNConfig", "FCOSConfig", "FeatureLayer", "FractalNetConfig",
    "GCNNConfig", "GoogLeNetConfig", "Grid", "GroupUNetConfig", "HarmonicConfig", "HighwayConfig",
    "ImageNetResNetConfig", "ImageShape", "InceptionV3Config", "InexactSizeWarning", "IrrepsNetworkConfig",
    "LeNetConfig", "LinearConfig", "Loaded", "LocalConfig", "LocaliserConfig", "Losses", "MLPConfig",
    "MNISTBenchmarkConfig", "MNISTFinalConfig", "MobileNetV2Config", "ModelConfig", "NetworkInNetworkConfig",
    "OffGridConfig", "PerceptronConfig", "PointNetworkConfig", "ResNetConfig", "SSDConfig", "ScalableConfig",
    "ShiftUNetConfig", "SlidingWindowConfig", "SqueezeNetConfig", "SteerableConfig", "SteerableExampleConfig",
    "Summary", "Targets", "TranslationInvariantConfig", "Tuned", "UNet2015Config", "UNetConfig", "VGGConfig",
    "VisionTransformerConfig", "WeightsMismatch", "WideResNetConfig", "YOLOConfig", "ZooConfig", "autotune",
    "conv_multiplications", "conv_parameters", "convolution_block", "convolutional", "count_parameters",
    "dense_multiplications", "dense_parameters", "exact_sizes_near", "export", "feature_function", "feature_layer",
    "invariant_head", "load_weights", "local_multiplications", "local_parameters", "perceptron_update",
    "save_weights", "summarize", "weights_of",
]  # fmt: skip

__experimental__ = [
    "AlexNetConfig", "AllCNNConfig", "BuildsModel", "CIFARDenseNetConfig", "CIFARResNetConfig", "CIFARWideResNetConfig",
    "Candidates", "DeeplySupervisedConfig", "DenseNetConfig", "DetectorOutputs", "Encoding", "Exported", "FCOSConfig",
    "FeatureLayer", "FractalNetConfig", "GoogLeNetConfig", "Grid", "HarmonicConfig", "HighwayConfig",
    "ImageNetResNetConfig", "InceptionV3Config", "IrrepsNetworkConfig", "LeNetConfig", "Loaded", "LocaliserConfig",
    "Losses", "MNISTBenchmarkConfig", "MNISTFinalConfig", "MobileNetV2Config", "NetworkInNetworkConfig",
    "PointNetworkConfig", "SSDConfig",
    "ScalableConfig", "SlidingWindowConfig", "SqueezeNetConfig", "SteerableConfig", "Targets", "Tuned", "VGGConfig",
    "VisionTransformerConfig", "WeightsMismatch", "WideResNetConfig", "YOLOConfig", "ZooConfig", "autotune",
    "convolution_block", "convolutional", "export", "feature_function", "feature_layer", "invariant_head",
    "load_weights", "perceptron_update", "save_weights", "weights_of",
]  # fmt: skip
