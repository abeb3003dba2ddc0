"""Changing the size of images: pooling, blurring, polyphase and alias-free sampling, upsampling."""
