"""Several devices and processes: strategies, rendezvous, agreement, failure."""
