"""YAML as text: every scalar keeps the characters that were written.

YAML 1.1 reads `035720` as an octal number, `10:00` as 600 and `no` as false. Here nothing is
read as anything: the settings model knows the type of each name, so the file need not say it.
Aliases, tags and duplicate keys are refused: each would let one line change another unseen.
"""

from pathlib import Path

import yaml

from kis_adapters.settings.error import SettingsError
from kis_adapters.settings.layer import RawValue

_TAG = "tag:yaml.org,2002:"
_NULL = _TAG + "null"
_PLAIN_TAGS = frozenset(
    _TAG + kind
    for kind in ("null", "bool", "int", "float", "str", "timestamp", "seq", "map", "merge", "value")
)
_DEEPEST = 8  # no setting lies deeper; a bomb of nested brackets does

Lines = dict[str, int]


def read_yaml(path: Path) -> tuple[dict[str, RawValue], Lines]:
    """The mapping in `path`, and the line of each key by its dotted name.

    Comments alone are an empty mapping; nothing at all is a lost file. Raises SettingsError.
    """
    text = read_text(path)
    if not text.strip():
        raise SettingsError(f"설정 파일이 비어 있습니다: {path}")
    try:
        node = yaml.compose(text, Loader=_NoAliasLoader)
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}{_line_of(error)}: YAML 문법이 잘못되었습니다.") from error
    except RecursionError as error:
        raise SettingsError(f"{path}: 너무 깊게 겹쳐진 YAML입니다.") from error
    if node is None or node.tag == _NULL:
        return {}, {}
    if not isinstance(node, yaml.MappingNode):
        raise SettingsError(f"{path}: 최상위는 '이름: 값' 꼴이어야 합니다.")
    reader = _Reader(path)
    tree = reader.mapping(node, prefix="", depth=0)
    if reader.problems:
        raise SettingsError(reader.problems)
    return tree, reader.lines


def read_text(path: Path) -> str:
    """The UTF-8 text of a configuration file. Raises SettingsError in one Korean sentence."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise SettingsError(f"설정 파일이 없습니다: {path}") from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SettingsError(f"설정 파일을 읽을 수 없습니다: {path} ({why})") from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{path}: UTF-8 파일이 아닙니다. UTF-8로 다시 저장해 주세요."
        ) from error


class _NoAliasLoader(yaml.SafeLoader):
    """Composes nodes; an alias is an error."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
            raise yaml.MarkedYAMLError(problem_mark=event.start_mark)
        return super().compose_node(parent, index)


class _Reader:
    """Turns nodes into plain text trees, remembering lines and collecting problems."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lines: Lines = {}
        self.problems: list[str] = []

    def mapping(self, node: yaml.MappingNode, *, prefix: str, depth: int) -> dict[str, RawValue]:
        tree: dict[str, RawValue] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(line, "키는 한 낱말이어야 합니다.")
                continue
            key = str(key_node.value)
            name = f"{prefix}{key}"
            if key in tree:
                self._refuse(
                    line, f"'{name}' 키가 두 번 나옵니다 (앞은 {self.lines[name]}번째 줄)."
                )
                continue
            self.lines[name] = line
            tree[key] = self._value(value_node, prefix=f"{name}.", depth=depth + 1)
        return tree

    def _value(self, node: yaml.Node, *, prefix: str, depth: int) -> RawValue:
        line = node.start_mark.line + 1
        if node.tag not in _PLAIN_TAGS:
            self._refuse(line, f"태그({node.tag})는 쓸 수 없습니다.")
            return None
        if depth > _DEEPEST:
            self._refuse(line, "너무 깊게 겹쳐졌습니다.")
            return None
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, prefix=prefix, depth=depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, prefix=prefix, depth=depth + 1) for item in node.value]
        return None if node.tag == _NULL else str(node.value)

    def _refuse(self, line: int, why: str) -> None:
        self.problems.append(f"{self._path}:{line}: {why}")


def _line_of(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark is not None else ""
