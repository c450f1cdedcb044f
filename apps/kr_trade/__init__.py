"""The live trading application: wiring and nothing else."""
