"""Which cases of some parametrised tests the ordinary command takes; all others are long.

Cases are chosen so that each value of each parameter is met, and each kind of thing (an irrep, a regular and a quotient
field; cyclic, dihedral and continuous groups; odd and even sizes; every strategy), but not each combination of them.
``pytest -m long`` runs what is left out. `tests/test_sampled.py` asks that every pattern names something.
"""

TAKEN: dict[str, tuple[str, ...]] = {
    "test_every_layer": (
        "*, factored",
        "Dense*",
        "BatchNorm*",
        "Sequential*",
        "Residual*",
        "Parallel*",
        "*pool*",
        "*conv*",
    ),
    "test_layers_commute_with_every_element": ("C3", "C8", "D1", "D4", "D8", "SO2", "O2"),
    "test_named_cases_agree_to_rounding": ("*irrep(1)-C4-*", "1 induced*", "*C7-*", "*D8-*", "2 regular-2 quotient*"),
    "test_gradients_are_the_same_in_every_way_of_compiling": ("overlapping", "group pooling"),
    "test_derivative_at_the_identity_agrees_with_finite_differences": (
        "translate_x",
        "rotate",
        "shear",
        "perspective_y",
        "contrast",
    ),
    "test_networks_that_go_down_and_up_again": ("unet",),
    "test_values_do_not_depend_on_it": ("Conv, lifting", "BlurPool, 3", "GroupPool*", "InstanceNorm", "resnet*"),
    "test_every_kind_of_network_lowers_for_every_platform": ("harmonic*",),
    "test_action_is_a_homomorphism_for_every_pair": ("2 trivial-(5, 5)", "1 regular-()", "*irrep(1,1)*(4, 4)"),
    "test_delta_orthogonal_convolutions_give_unit_variance": ("C8*", "D4*"),
    "test_the_gradient_of_the_largest_is_that_of_jax": ("-1",),
    "test_gradients_at_ties_are_equivariant": (
        "Pool-7",
        "ReducedSize-5_0",
        "AdaptivePool*",
        "GroupPool*",
        "NormMaxPool*",
    ),
    "test_parameters_are_matched": ("4000-gcnn", "30000-mlp", "30000-local", "4000-cnn"),
    "test_local_models_give_the_whole_image_at_any_window": ("same-9", "same-20", "valid-13", "valid-30"),
    "test_filtering_one_axis_after_the_other_is_the_convolution": ("zeros-2", "zeros-5", "circular-4", "circular-7"),
    "test_deterministic_in_the_key_and_the_same_under_jit": ("rotation", "flip", "cutout"),
    "test_traced_and_concrete_elements_agree": ("4", "reflection", "affine", "projective"),
    "test_dense_maps_are_all_the_intertwiners": ("C4 x D3",),
    "test_every_device_moves_its_own_images_only": ("shard_map",),
    "test_losses_and_parameters_are_those_of_one_device": ("mlp-shard_map", "mlp-pmap", "cnn-jit"),
    "test_points_and_boxes_follow_a_bright_pixel": ("D4-True", "O2-False", "shifts-True", "isometry-False"),
    "test_it_agrees_with_the_dense_method": ("*C8-5*", "*D4-2*", "2 irrep*"),
    "test_frozen_networks_agree": ("mnist_final*", "e2_wrn*"),
    "test_gradients_reach_every_parameter": ("mnist_final*",),
    "test_a_step_of_sgd_by_hand": ("jit-1-4", "shard_map-4-2", "pmap-4-1"),
    "test_pooling_is_the_loop_over_windows": ("(7, 5)*", "(8, 7)*"),
    "test_targets_move_with_what_is_in_the_image": ("*scale*", "*shift*"),
    "test_a_tiny_study_is_run_kept_and_drawn": (),
    "test_whole_networks_are_measured_in_turn": (),
    "test_microbatches_are_the_same_on_every_number_of_devices": (),
}
"""Patterns of the cases by the name of the test; none: the test is long."""
