"""Makes the inventory by which names of Trio are links, from Trio's own source distribution.

As a build of this documentation asks no network, it is kept: `docs/inventories/trio.inv`. After

    pip download --no-deps --no-binary trio trio

and in an environment with what Trio's ``docs-requirements.in`` names,
`python docs/trio_inventory.py trio-*.tar.gz` makes it again.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

KEPT: Final = Path(__file__).resolve().parent / "inventories" / "trio.inv"

#: What in Trio's configuration needs the lists of others, which are fetched.
FETCHES: Final = (
    "intersphinx_mapping = {",
    'app.connect("builder-inited", add_inter',
    '"typevars",',
)


def main() -> None:
    """Build Trio's documentation, and keep the list of what is in it."""
    with TemporaryDirectory() as folder:
        with tarfile.open(sys.argv[1]) as archive:
            archive.extractall(folder, filter="data")
        (trio,) = Path(folder).iterdir()
        configuration = trio / "docs" / "source" / "conf.py"
        text = configuration.read_text(encoding="utf-8")
        for fetching in FETCHES:
            assert fetching in text
        text = text.replace(FETCHES[0], "unused = {").replace(FETCHES[1], f"# {FETCHES[1]}")
        configuration.write_text(text.replace(FETCHES[2], ""), encoding="utf-8")
        build = trio / "build"
        arguments = ["-q", "-D", "nitpicky=0", str(configuration.parent), str(build)]
        subprocess.run(
            [sys.executable, "-m", "sphinx", *arguments],
            check=True,
            env={"PYTHONPATH": str(trio / "src")},
        )
        KEPT.parent.mkdir(exist_ok=True)
        shutil.copyfile(build / "objects.inv", KEPT)


if __name__ == "__main__":
    main()
