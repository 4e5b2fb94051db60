"""What each target is."""

STACK_MACHINES = {"k210": 5, "k230": 7, "k510": 5}
"""The targets with stack machines, and the kmodel version that theirs execute."""
TARGETS = ("cpu", *STACK_MACHINES)
"""The targets that can be compiled for; `cpu` executes machine code."""
ENGINE_OF = {"cpu": "machine code", **{target: f"v{version}" for target, version in STACK_MACHINES.items()}}
"""The engine that executes what a target's accelerator does not compute: see `engines`."""
