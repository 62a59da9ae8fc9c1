"""Where the data sets are, as Hebb's own programs look for them (data/catalog.hpp)."""

import os
import pathlib


def add_data_flag(parser):
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    parser.add_argument("--data", type=pathlib.Path, metavar="DIR",
                        default=os.environ.get("HEBB_DATA") or cache / "hebb" / "data",
                        help="folder of the data sets (otherwise $HEBB_DATA, then the cache folder)")
