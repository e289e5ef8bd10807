"""The Lambda package: our sources and the locked wheels for the target platform, in one reproducible zip.

The same inputs give the same bytes, so that a deployment changes functions only when code or locks changed: entries
are sorted, times and permissions fixed, and nothing that the building machine adds comes along. Wheels are downloaded
for Lambda's platform with their locked hashes and unpacked, never built or run. Tests, infrastructure and local tools
are not part of it.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from infrastructure.settings import LAMBDA_RUNTIME, LambdaArchitecture

ROOT: Final = Path(__file__).parents[1]
REQUIREMENTS: Final = Path("requirements/runtime.txt")
ROOMS: Final = ("domain", "ports", "adapters", "handlers")
"""The packages that run in a function."""

LAYOUT_VERSION: Final = 1
"""Part of every package's input digest; raised when this module lays the zip out differently."""

PYTHON_VERSION: Final = LAMBDA_RUNTIME.removeprefix("python")
PLATFORMS: Final[dict[LambdaArchitecture, tuple[str, ...]]] = {
    LambdaArchitecture.ARM64: ("manylinux_2_28_aarch64", "manylinux2014_aarch64"),
    LambdaArchitecture.X86_64: ("manylinux_2_28_x86_64", "manylinux2014_x86_64"),
}
"""Wheel tags that the runtime can load: it is Amazon Linux 2023, with glibc 2.34 (AWS Lambda Developer Guide, "Lambda
runtimes")."""

ENTRY_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that the zip format knows."""

SOURCE_OF_EXTENSIONS: Final = frozenset({".c", ".cpp", ".h", ".pxd", ".pyc", ".pyi", ".pyx"})
DEVELOPMENT_FOLDERS: Final = frozenset({"__pycache__", "test", "tests"})
KEPT_METADATA: Final = ("METADATA", "entry_points.txt")
KEPT_NOTICES: Final = ("LICENSE", "LICENCE", "NOTICE", "COPYING", "AUTHORS", "licenses")

UNZIPPED_LIMIT_BYTES: Final = 262_144_000
"""What Lambda accepts unpacked: 250 MB (AWS Lambda Developer Guide, "Lambda quotas")."""


class PackagingError(RuntimeError):
    """The package could not be built; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Package:
    """A built package."""

    path: Path
    size_bytes: int
    sha256: str
    was_up_to_date: bool


def build(
    target: Path,
    architecture: LambdaArchitecture,
    *,
    with_dependencies: bool = True,
    root: Path = ROOT,
    wheels: Path | None = None,
) -> Package:
    """Build ``target`` unless it is already what the inputs would give, and describe it.

    ``wheels`` names a folder of wheels to take instead of downloading the locked ones. Without dependencies the zip
    holds our sources alone, for a runtime that brings its own. Raises ``PackagingError``.
    """
    sources = _sources(root)
    lock = root / REQUIREMENTS
    digest = _input_digest(sources, architecture, lock if with_dependencies else None, wheels)
    record = target.with_name(f"{target.name}.inputs")
    if target.is_file() and record.is_file():
        found = _sha256(target)
        if record.read_text(encoding="utf-8") == _record(digest, found):
            return Package(target, target.stat().st_size, found, was_up_to_date=True)
    entries = dict(sources)
    if with_dependencies:
        folder = wheels or _downloaded(lock, architecture, target.parent / f"wheels-{architecture}")
        for name, content in _wheel_entries(folder):
            if name in entries:
                raise PackagingError(f"two parts of the package bring {name}; one would hide the other")
            entries[name] = content
    size = sum(map(len, entries.values()))
    if size > UNZIPPED_LIMIT_BYTES:
        raise PackagingError(f"the package unpacks to {size} bytes and Lambda accepts {UNZIPPED_LIMIT_BYTES}")
    _write(target, entries)
    sha256 = _sha256(target)
    record.write_text(_record(digest, sha256), encoding="utf-8")
    return Package(target, target.stat().st_size, sha256, was_up_to_date=False)


def _sources(root: Path) -> dict[str, bytes]:
    found = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for room in ROOMS
        for path in (root / room).rglob("*.py")
        if not DEVELOPMENT_FOLDERS & set(path.relative_to(root).parts)
    }
    missing = [room for room in ROOMS if not any(name.startswith(f"{room}/") for name in found)]
    if missing:
        raise PackagingError(f"there is no source in {', '.join(missing)}; run this from a complete checkout")
    return found


def _input_digest(
    sources: dict[str, bytes], architecture: LambdaArchitecture, lock: Path | None, wheels: Path | None
) -> str:
    parts: dict[str, bytes] = {
        "layout": str(LAYOUT_VERSION).encode(),
        "platform": f"{LAMBDA_RUNTIME} {architecture}".encode(),
        "lock": lock.read_bytes() if lock and wheels is None else b"",
    }
    if lock and wheels is not None:
        parts |= {f"wheel {path.name}": path.read_bytes() for path in wheels.glob("*.whl")}
    parts |= {f"source {name}": content for name, content in sources.items()}
    whole = hashlib.sha256()
    for name, content in sorted(parts.items()):
        whole.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def _record(digest: str, sha256: str) -> str:
    return f"inputs {digest}\nsha256 {sha256}\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download_command(lock: Path, architecture: LambdaArchitecture, folder: Path) -> list[str]:
    """Return the pip call that fetches the locked wheels: by hash, for Lambda's platform, and nothing that builds."""
    tag = f"cp{PYTHON_VERSION.replace('.', '')}"
    platforms = [part for name in PLATFORMS[architecture] for part in ("--platform", name)]
    abis = [part for name in (tag, "abi3", "none") for part in ("--abi", name)]
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:", "--no-deps"]
    return [
        *(sys.executable, "-m", "pip", "download", *options),
        *("--implementation", "cp", "--python-version", PYTHON_VERSION, *abis, *platforms),
        *("--requirement", str(lock), "--dest", str(folder)),
    ]


def _downloaded(lock: Path, architecture: LambdaArchitecture, folder: Path) -> Path:
    wanted = _sha256(lock)
    complete = folder / "lock.sha256"
    if complete.is_file() and complete.read_text(encoding="utf-8") == wanted:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fresh = Path(scratch) / "wheels"
        fresh.mkdir()
        # pip speaks for itself on stderr; its words are not repeated here.
        status = subprocess.run(download_command(lock, architecture, fresh), check=False).returncode
        if status:
            raise PackagingError(
                f"pip could not download the locked wheels for {architecture} (exit status {status}); "
                "see its message above, and lock a version that has a wheel for this platform if one is missing"
            )
        (fresh / complete.name).write_text(wanted, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return folder


def _wheel_entries(folder: Path) -> Iterator[tuple[str, bytes]]:
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        raise PackagingError(f"there is no wheel in {folder.name}; the functions could not import anything")
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if not name.endswith("/") and _belongs(PurePosixPath(name)):
                    yield name, archive.read(name)


def _belongs(path: PurePosixPath) -> bool:
    if ".." in path.parts or path.is_absolute():
        raise PackagingError(f"a wheel contains {str(path)!r}, which would land outside the package")
    if path.parts[0].endswith(".dist-info"):
        return path.name in KEPT_METADATA or any(path.parts[1].startswith(notice) for notice in KEPT_NOTICES)
    # Scripts and headers of a wheel's data folder belong to an installed environment.
    if path.parts[0].endswith(".data"):
        return False
    return path.suffix not in SOURCE_OF_EXTENSIONS and not DEVELOPMENT_FOLDERS & set(path.parts[:-1])


def _write(target: Path, entries: dict[str, bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, ENTRY_TIME)
            entry.create_system = 3  # Unix, whatever builds, so that the permissions below are read as such
            entry.external_attr = (0o100755 if ".so" in PurePosixPath(name).suffixes else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, entries[name], compresslevel=9)
    partial.replace(target)


def main(arguments: list[str] | None = None) -> int:
    """Build the package that the command line asks for, and print its path, size and SHA-256."""
    parser = argparse.ArgumentParser(prog="python -m infrastructure.packaging", description="Build the Lambda package.")
    parser.add_argument("--architecture", type=LambdaArchitecture, default=LambdaArchitecture.ARM64)
    parser.add_argument("--output", type=Path, help="default: dist/lambda-<architecture>.zip")
    parser.add_argument("--sources-only", action="store_true", help="leave the dependencies out")
    options = parser.parse_args(arguments)
    target = options.output or Path(f"dist/lambda-{options.architecture}.zip")
    try:
        package = build(target, options.architecture, with_dependencies=not options.sources_only)
    except PackagingError as error:
        print(f"packaging failed: {error}", file=sys.stderr)
        return 1
    state = "up to date" if package.was_up_to_date else "built"
    print(f"{package.path}  {package.size_bytes:,} bytes  sha256 {package.sha256}  ({state})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
