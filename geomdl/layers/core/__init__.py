"""The interface of layers and the parts that they share: windows, channels of fields, functions of arrays, weights."""
