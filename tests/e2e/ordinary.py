"""What runs as an ordinary user: a folder that everybody may pass, with a copy of the program in it, since build
directories and pytest's are often root's alone."""
import contextlib
import os
import shutil
import tempfile

from conftest import program

NOBODY = 65534
AS_NOBODY = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}


@contextlib.contextmanager
def public_folder():
    assert os.geteuid() == 0, "only root can become another user: run this suite as root"
    with tempfile.TemporaryDirectory(prefix="leat-public-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        shutil.copy(program("leat"), folder)
        yield folder
