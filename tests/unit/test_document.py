import subprocess
import sys


def test_curate_imports_without_beam():
    code = "import curate, sys; assert 'apache_beam' not in sys.modules and 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
