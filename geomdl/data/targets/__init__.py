"""What may be learnt about an image, and how each kind of it is checked, batched and moved together with the image.

A data set says of each of its named targets which kind it is; loaders, augmentation, evaluators and tasks ask the kind.
A kind of one's own is any frozen, hashable value with the members of `TargetKind`; `register_target_kind` gives it a
name that data sets can use.
"""
