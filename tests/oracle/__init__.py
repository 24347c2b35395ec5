"""A naive reading of kernels/SPEC.md in plain Python; of ours it imports the codes and nothing else."""
