"""How wrong fills on bars are, measured on real data: `python -m benchmarks.fill_models --data FOLDER`."""
