"""The Lambda package: the same bytes from the same inputs, and nothing in it that does not belong."""

import os
import shutil
import zipfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from infrastructure import packaging
from infrastructure.packaging import PackagingError, build, download_command
from infrastructure.settings import LambdaArchitecture
from ports.steps.contract import FUNCTIONS

ROOT = Path(__file__).parents[2]
ARM64 = LambdaArchitecture.ARM64

WHEEL = {
    "lib/__init__.py": "VALUE = 1\n",
    "lib/_native.cpython-313-aarch64-linux-gnu.so": "binary",
    "lib/_native.c": "int x;",
    "lib/_native.pyx": "x",
    "lib/__pycache__/__init__.cpython-313.pyc": "x",
    "lib/tests/test_lib.py": "x",
    "lib-1.0.data/scripts/lib": "x",
    "lib-1.0.dist-info/METADATA": "Name: lib\n",
    "lib-1.0.dist-info/RECORD": "x",
    "lib-1.0.dist-info/licenses/LICENSE": "free",
}


def checkout(root: Path) -> Path:
    """A small tree with one module in each room, and things that must stay out."""
    for room in packaging.ROOMS:
        (root / room).mkdir(parents=True)
        (root / room / "__init__.py").write_text(f'"""{room}."""\n', encoding="utf-8")
    (root / "domain" / "__pycache__").mkdir()
    (root / "domain" / "__pycache__" / "x.py").write_text("", encoding="utf-8")
    (root / "handlers" / "notes.txt").write_text("private", encoding="utf-8")
    (root / "tests").mkdir()
    (root / "tests" / "test_x.py").write_text("", encoding="utf-8")
    (root / "requirements").mkdir()
    (root / "requirements" / "runtime.txt").write_text("lib==1.0 --hash=sha256:00\n", encoding="utf-8")
    return root


def wheelhouse(folder: Path, files: Mapping[str, str] = WHEEL, name: str = "lib-1.0-py3-none-any.whl") -> Path:
    """A folder with one made-up wheel."""
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return folder


def names(package: Path) -> list[str]:
    """The entries of a package."""
    with zipfile.ZipFile(package) as archive:
        return archive.namelist()


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    """Another folder, another day, other file times: the same SHA-256, so functions change only with their code."""
    first, second = checkout(tmp_path / "a"), checkout(tmp_path / "b")
    for path in second.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o600)

    one = build(tmp_path / "one.zip", ARM64, root=first, wheels=wheelhouse(tmp_path / "w1"))
    two = build(tmp_path / "two.zip", ARM64, root=second, wheels=wheelhouse(tmp_path / "w2"))

    assert one.sha256 == two.sha256
    assert one.path.read_bytes() == two.path.read_bytes()


def test_entries_are_sorted_and_neutral(tmp_path: Path) -> None:
    """Order, times and permissions say nothing about the machine that built the package."""
    package = build(tmp_path / "p.zip", ARM64, root=checkout(tmp_path / "c"), wheels=wheelhouse(tmp_path / "w"))

    with zipfile.ZipFile(package.path) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {packaging.ENTRY_TIME}
    modes = {entry.filename.rpartition(".")[2]: oct(entry.external_attr >> 16) for entry in entries}
    assert (modes["py"], modes["so"]) == ("0o100644", "0o100755")


def test_only_what_runs_is_packed(tmp_path: Path) -> None:
    """Sources of extensions, tests, caches and install records stay out; licences and metadata stay in."""
    package = build(tmp_path / "p.zip", ARM64, root=checkout(tmp_path / "c"), wheels=wheelhouse(tmp_path / "w"))

    assert names(package.path) == [
        *("adapters/__init__.py", "domain/__init__.py", "handlers/__init__.py"),
        *("lib-1.0.dist-info/METADATA", "lib-1.0.dist-info/licenses/LICENSE"),
        *("lib/__init__.py", "lib/_native.cpython-313-aarch64-linux-gnu.so", "ports/__init__.py"),
    ]


def test_the_real_sources_hold_every_handler_and_no_tool(tmp_path: Path) -> None:
    """Each step's handler module is in the package; tests, infrastructure and local tools are not."""
    found = names(build(tmp_path / "p.zip", ARM64, with_dependencies=False, root=ROOT).path)

    assert {f"{spec.handler.rpartition('.')[0].replace('.', '/')}.py" for spec in FUNCTIONS.values()} <= set(found)
    assert {name.partition("/")[0] for name in found} == set(packaging.ROOMS)
    assert not [name for name in found if "test" in name or not name.endswith(".py")]


def test_an_unchanged_package_is_not_built_again(tmp_path: Path) -> None:
    """The second call finds its inputs recorded and touches nothing."""
    root, target = checkout(tmp_path / "c"), tmp_path / "p.zip"
    first = build(target, ARM64, with_dependencies=False, root=root)
    written = target.stat().st_mtime_ns
    second = build(target, ARM64, with_dependencies=False, root=root)

    assert (first.was_up_to_date, second.was_up_to_date) == (False, True)
    assert second.sha256 == first.sha256
    assert target.stat().st_mtime_ns == written


def test_a_changed_source_builds_again(tmp_path: Path) -> None:
    """A stale package would deploy yesterday's code."""
    root, target = checkout(tmp_path / "c"), tmp_path / "p.zip"
    first = build(target, ARM64, with_dependencies=False, root=root)
    (root / "domain" / "__init__.py").write_text("CHANGED = True\n", encoding="utf-8")
    second = build(target, ARM64, with_dependencies=False, root=root)

    assert not second.was_up_to_date
    assert second.sha256 != first.sha256


def test_a_damaged_package_builds_again(tmp_path: Path) -> None:
    """The record is believed only as long as the file is the one it describes."""
    root, target = checkout(tmp_path / "c"), tmp_path / "p.zip"
    first = build(target, ARM64, with_dependencies=False, root=root)
    target.write_bytes(b"cut off")
    second = build(target, ARM64, with_dependencies=False, root=root)

    assert not second.was_up_to_date
    assert second.sha256 == first.sha256


def test_two_parts_may_not_bring_the_same_file(tmp_path: Path) -> None:
    """One would silently hide the other."""
    wheels = wheelhouse(tmp_path / "w", {"domain/__init__.py": "x"})

    with pytest.raises(PackagingError) as refused:
        build(tmp_path / "p.zip", ARM64, root=checkout(tmp_path / "c"), wheels=wheels)

    assert "domain/__init__.py" in str(refused.value)
    assert not (tmp_path / "p.zip").exists()


def test_a_wheel_may_not_reach_outside(tmp_path: Path) -> None:
    """An entry that climbs out of the package is refused."""
    wheels = wheelhouse(tmp_path / "w", {"../escape.py": "x"})

    with pytest.raises(PackagingError) as refused:
        build(tmp_path / "p.zip", ARM64, root=checkout(tmp_path / "c"), wheels=wheels)

    assert "outside the package" in str(refused.value)


def test_an_incomplete_checkout_is_refused(tmp_path: Path) -> None:
    """A package without handlers would deploy and then fail at its first event."""
    root = checkout(tmp_path / "c")
    shutil.rmtree(root / "handlers")

    with pytest.raises(PackagingError) as refused:
        build(tmp_path / "p.zip", ARM64, with_dependencies=False, root=root)

    assert "handlers" in str(refused.value)


def test_an_empty_wheel_folder_is_refused(tmp_path: Path) -> None:
    """Dependencies that were asked for and are not there would fail at import."""
    (tmp_path / "w").mkdir()

    with pytest.raises(PackagingError) as refused:
        build(tmp_path / "p.zip", ARM64, root=checkout(tmp_path / "c"), wheels=tmp_path / "w")

    assert "no wheel" in str(refused.value)


@pytest.mark.parametrize("architecture, machine", [(ARM64, "aarch64"), (LambdaArchitecture.X86_64, "x86_64")])
def test_wheels_are_fetched_by_hash_for_the_functions_platform(architecture: LambdaArchitecture, machine: str) -> None:
    """Nothing is built or run on the way: locked hashes, wheels only, python3.13 on the target's architecture (D80)."""
    command = download_command(Path("runtime.txt"), architecture, Path("wheels"))

    assert {"--require-hashes", "--only-binary=:all:", "--no-deps"} <= set(command)
    assert command[command.index("--python-version") + 1] == "3.13"
    platforms = [after for before, after in pairwise(command) if before == "--platform"]
    assert platforms
    assert all(platform.endswith(machine) for platform in platforms)


def test_a_failed_download_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its wheels no package is written, and the message says what to do."""
    monkeypatch.setattr(packaging, "download_command", lambda *_: ["false"])

    with pytest.raises(PackagingError) as refused:
        build(tmp_path / "p.zip", ARM64, root=checkout(tmp_path / "c"))

    assert "exit status 1" in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c"]


def test_wheels_are_downloaded_once_for_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of source takes no network: the wheels of the same lock are still there."""
    root = checkout(tmp_path / "c")
    ready = wheelhouse(tmp_path / "ready") / "lib-1.0-py3-none-any.whl"
    monkeypatch.setattr(packaging, "download_command", lambda _lock, _arch, folder: ["cp", str(ready), str(folder)])
    build(tmp_path / "dist" / "p.zip", ARM64, root=root)
    monkeypatch.setattr(packaging, "download_command", lambda *_: ["false"])
    (root / "domain" / "__init__.py").write_text("CHANGED = True\n", encoding="utf-8")

    again = build(tmp_path / "dist" / "p.zip", ARM64, root=root)

    assert not again.was_up_to_date
    assert "lib/__init__.py" in names(again.path)


def test_the_command_prints_size_and_digest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was built can be compared with what is deployed."""
    target = tmp_path / "p.zip"

    assert packaging.main(["--sources-only", "--output", str(target)]) == 0

    printed = capsys.readouterr().out
    assert f"{target.stat().st_size:,} bytes" in printed
    assert packaging.build(target, ARM64, with_dependencies=False).sha256 in printed
