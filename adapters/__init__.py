"""The adapters: one room per technology, each speaking its own SDK inward through the ports and nothing else."""
