"""JSON and YAML that a person wrote, read strictly, with the line of every value.

Both are read as the same data, and of YAML only what says the same to every reader: no anchors and aliases (a few
lines of them can stand for gigabytes), no tags, no plain words that one reader takes for text and another for a
boolean, a date or a number. What would be guessed is refused, with its line and the fix.

No message repeats a value, which may be a secret in the wrong place.
"""

import json
import math
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

Field = tuple[str | int, ...]
"""The place of a value, from the top: keys and positions."""

MAX_FILE_BYTES: Final = 5_000_000
"""Largest file that is read, in bytes; what it seeds takes 400 KB a piece at most (DynamoDB's item)."""

MAX_DEPTH: Final = 64
"""Deepest nesting that is read, in levels; twice what any document of ours may have."""

YAML_SUFFIXES: Final = frozenset({".yaml", ".yml"})


class DocumentError(Exception):
    """A file cannot be used; the message names the file, the line, the field and the fix."""


@dataclass(frozen=True)
class Marked:
    """What a file holds, and where each part of it stands."""

    file: Path
    value: object
    lines: dict[Field, int] = field(repr=False)

    def place(self, at: Field) -> str:
        """Return ``file:line`` of a field, or of the nearest thing around one that is not there."""
        return f"{self.file}:{self.lines[self.written(at)]}"

    def written(self, at: Field) -> Field:
        """Return as much of a field's place as is written in the file; what is not there is left out."""
        found: Field = ()
        for part in at:
            if (*found, part) in self.lines:
                found = (*found, part)
        return found


def read_marked(file: Path) -> Marked:
    """Read a file, as YAML if its name says so and as JSON otherwise; raises ``DocumentError``."""
    try:
        with file.open("rb") as opened:  # no more of it than is wanted: a device has no size and no end
            content = opened.read(MAX_FILE_BYTES + 1)
        text = content.decode("utf-8-sig") if len(content) <= MAX_FILE_BYTES else None
    except FileNotFoundError as error:
        raise DocumentError(f"{file}: cannot be read, for there is no such file") from error
    except IsADirectoryError as error:
        raise DocumentError(f"{file}: cannot be read, for it is a folder; name the files in it") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"{file}: cannot be read, for it is no UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise DocumentError(f"{file}: cannot be read ({error.strerror or error.__class__.__name__})") from error
    if text is None:
        raise DocumentError(f"{file}: has more than the {MAX_FILE_BYTES} bytes that are read")
    if file.suffix.lower() in YAML_SUFFIXES:
        return _Builder(file).from_yaml(text)
    return _Builder(file).from_json(text)


_TOKEN: Final = re.compile(r'[\[\]{}:,]|"(?:[^"\\]|\\.)*"|[^\s\[\]{}:,"]+')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS: Final = {"null": None, "true": True, "false": False}


@dataclass
class _Level:
    """A list or an object that is being read."""

    value: list[Any] | dict[str, Any]
    at: Field
    key: str | None = None
    """The key whose value comes next."""
    key_line: int = 0


class _Builder:
    """Puts the values of one file together, in the order in which they are written."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: dict[Field, int] = {}
        self._open: list[_Level] = []
        self._root: object = None

    def from_json(self, text: str) -> Marked:
        """Read JSON: the standard library says whether it is, and this where everything stands."""
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            raise DocumentError(f"{self._file}:{error.lineno}:{error.colno}: is not JSON: {error.msg}") from error
        except RecursionError as error:
            raise DocumentError(f"{self._file}: is nested too deeply to be read") from error
        except ValueError as error:
            # The interpreter refuses to convert integers of more than some thousand digits.
            raise DocumentError(f"{self._file}: holds a number with too many digits to be read") from error
        ends = [found.start() for found in re.finditer("\n", text)]
        for found in _TOKEN.finditer(text):
            line, part = bisect_right(ends, found.start()) + 1, found[0]
            match part[0]:
                case "{" | "[":
                    self._begin({} if part == "{" else [], line)
                case "}" | "]":
                    self._open.pop()
                case ":" | ",":
                    pass
                case '"':
                    self._text(json.loads(part), line)
                case _:
                    self._add(self._plain(part, line), line)
        return Marked(self._file, self._root, self._lines)

    def from_yaml(self, text: str) -> Marked:
        """Read YAML, and of it only what is JSON in another dress."""
        documents = 0
        try:
            for event in yaml.parse(text, Loader=yaml.SafeLoader):
                documents += isinstance(event, yaml.DocumentStartEvent)
                if documents > 1:
                    raise self._error(_line(event), "begins a second YAML document; write both as one list")
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f"{self._file}:{mark.line + 1}:{mark.column + 1}" if mark else str(self._file)
            raise DocumentError(f"{place}: is not YAML: {error.problem or 'it ends too early'}") from error
        except yaml.YAMLError as error:
            raise DocumentError(f"{self._file}: is not YAML: it holds a character that no text has") from error
        if not documents:
            raise DocumentError(f"{self._file}:1: holds nothing")
        return Marked(self._file, self._root, self._lines)

    def _take(self, event: yaml.Event) -> None:
        line = _line(event)
        if isinstance(event, yaml.DocumentStartEvent) and (event.version or event.tags):
            raise self._error(line, "has a YAML directive; remove it")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._error(line, "has a YAML anchor or alias; write the value out where it is meant")
        if getattr(event, "tag", None):
            raise self._error(line, "has a YAML tag; remove it, the type follows from how the value is written")
        match event:
            case yaml.MappingStartEvent():
                self._begin({}, line)
            case yaml.SequenceStartEvent():
                self._begin([], line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()
            case yaml.ScalarEvent(style=None):
                self._plain_yaml(event.value, line)
            case yaml.ScalarEvent():
                self._text(event.value, line)

    def _plain_yaml(self, text: str, line: int) -> None:
        if self._awaits_key:
            if text in _WORDS or self._means_something(text):
                raise self._error(line, "has a key that is not text to every YAML reader; put it in quotes")
            self._text(text, line)
        elif not text:
            raise self._error(line, f"{self._next_name()} has no value; write null, or quotes for an empty text")
        elif text in _WORDS or _NUMBER.fullmatch(text):
            self._add(self._plain(text, line), line)
        elif self._means_something(text):
            message = (
                "is no text to some YAML readers (a date, a boolean, a number); "
                "put it in quotes if it is text, and write true or false if it is neither text nor number"
            )
            raise self._error(line, f"{self._next_name()} {message}")
        else:
            self._text(text, line)

    def _means_something(self, text: str) -> bool:
        tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # PyYAML's stubs
        return tag != "tag:yaml.org,2002:str" or _NUMBER.fullmatch(text) is not None

    def _plain(self, text: str, line: int) -> object:
        if text in _WORDS:
            return _WORDS[text]
        if not _NUMBER.fullmatch(text):  # NaN and the infinities, which the standard library lets pass
            raise self._error(line, f"{self._next_name()} is no number that JSON has")
        try:
            number = json.loads(text)
        except ValueError as error:
            raise self._error(line, f"{self._next_name()} is a number with too many digits to be read") from error
        if isinstance(number, float) and not math.isfinite(number):
            raise self._error(line, f"{self._next_name()} is too large a number to be kept")
        return number

    @property
    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _text(self, text: str, line: int) -> None:
        if not self._awaits_key:
            self._add(text, line)
            return
        level = self._open[-1]
        if text in level.value:
            raise self._error(line, f"the key {json.dumps(text)} is written twice in one object; keep one of the two")
        level.key, level.key_line = text, line

    def _begin(self, empty: list[Any] | dict[str, Any], line: int) -> None:
        if self._awaits_key:
            raise self._error(line, "has a key that is not text")
        if len(self._open) >= MAX_DEPTH:
            raise self._error(line, f"is nested deeper than {MAX_DEPTH} levels")
        self._open.append(_Level(empty, self._add(empty, line)))

    def _add(self, value: object, line: int) -> Field:
        if not self._open:
            self._root = value
            self._lines[()] = line
            return ()
        level = self._open[-1]
        at = (*level.at, self._next_step(level))
        if isinstance(level.value, list):
            level.value.append(value)
        else:
            level.value[str(level.key)] = value
            level.key = None
            line = level.key_line  # where a person looks for it
        self._lines[at] = line
        return at

    def _next_step(self, level: _Level) -> str | int:
        return len(level.value) if isinstance(level.value, list) else str(level.key)

    def _next_name(self) -> str:
        at = (*self._open[-1].at, self._next_step(self._open[-1])) if self._open else ()
        return ".".join(map(str, at)) or "the document"

    def _error(self, line: int, message: str) -> DocumentError:
        return DocumentError(f"{self._file}:{line}: {message}")


_RESOLVER: Final = yaml.resolver.Resolver()
"""YAML 1.1's own idea of what a plain word is."""


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
