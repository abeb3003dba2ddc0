"""The plan of a factored group convolution: units, their halves, what is expanded in space and what is mixed."""
