"""lit's configuration: `lit test/lit` runs the tests as real commands."""

import lit.formats

config.name = "kpuc"  # noqa: F821  # lit defines config
config.suffixes = [".mlir"]  # noqa: F821
config.test_format = lit.formats.ShTest(execute_external=False)  # noqa: F821
