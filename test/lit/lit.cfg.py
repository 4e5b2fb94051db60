"""lit's configuration: `lit test/lit` runs the tests as real commands."""

import atexit
import shutil
import tempfile

import lit.formats

config.name = "kpuc"  # noqa: F821  # lit defines config
config.suffixes = [".mlir"]  # noqa: F821
config.test_format = lit.formats.ShTest(execute_external=False)  # noqa: F821
# Where tests run: a failing pipeline leaves its reproducer there, which must not become a test.
config.test_exec_root = tempfile.mkdtemp(prefix="kpuc-lit-")  # noqa: F821
atexit.register(shutil.rmtree, config.test_exec_root, ignore_errors=True)  # noqa: F821
