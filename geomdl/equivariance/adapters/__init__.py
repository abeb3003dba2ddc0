"""Adapters that turn models of any library into functions of arrays, and record the outputs of their layers."""
