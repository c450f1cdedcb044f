"""What the session needs of the world: one Protocol per file, its docstrings are the contract."""
