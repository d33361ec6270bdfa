"""What is wrong with a file, for the user: file, line, key, what was expected, what to do; secrets are not repeated."""

from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.config.settings import ENVIRONMENT, Section
from bot.errors import ConfigError
from bot.yamlfile import Path as YamlPath
from bot.yamlfile import YamlFile, suggest

S = TypeVar("S", bound=Section)


class SeveralWrong(ConfigError):
    """More than one value of a file is wrong; the text is the first one's."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(texts[0])
        self.texts = texts


def validate(model: type[S], yaml_file: YamlFile) -> S:
    """The file as `model`; SeveralWrong with a line for each value that is wrong."""
    if not isinstance(yaml_file.data, dict):
        found = "nothing" if yaml_file.data is None else type(yaml_file.data).__name__
        raise ConfigError(f"{yaml_file.name}: expected keys such as {', '.join(model.model_fields)}; found {found}")
    try:
        return model.model_validate(yaml_file.data)
    except ValidationError as error:
        raise SeveralWrong([_explain(model, yaml_file, one) for one in error.errors()]) from error


def _explain(model: type[BaseModel], yaml_file: YamlFile, error: ErrorDetails) -> str:
    path = tuple(part for part in error["loc"] if not _is_branch(part))
    dotted = ".".join(str(part) for part in path)
    where = yaml_file.at(path)
    match error["type"]:
        case "extra_forbidden":
            return f"{where}: {dotted}: there is no such key{_hint(model, path)}"
        case "missing":
            return f"{where}: {dotted}: this key is needed; {_help(model, path)}"
        case "value_error":
            return f"{where}: {dotted or 'here'}: {error['ctx']['error']}"
        case "string_pattern_mismatch" if path[-1] == "handle":
            return f"{where}: {dotted}: {error['input']!r} is no handle: 4 to 32 letters, digits and _ , a letter first"
    message = error["msg"][0].lower() + error["msg"][1:]
    # The value of a secret, or a whole section, is not repeated.
    plain = isinstance(error["input"], str | int | float | None) and path != ("database",)
    found = f"found {error['input']!r}" if plain else f"found {type(error['input']).__name__}"
    return f"{where}: {dotted}: {message}; {found}. {_help(model, path)}".rstrip()


def _is_branch(part: str | int) -> bool:
    """Pydantic names the branch of a union in the path, as `int` or `constrained-str`: no key of ours looks so."""
    return isinstance(part, str) and (part in {"int", "str"} or "[" in part or part == "constrained-str")


def _section(model: type[BaseModel], path: YamlPath) -> type[BaseModel] | None:
    for part in path:
        if isinstance(part, int):
            continue
        if part not in model.model_fields:
            return None
        annotation = model.model_fields[part].annotation
        nested = [t for t in (annotation, *get_args(annotation)) if isinstance(t, type) and issubclass(t, BaseModel)]
        if not nested:
            return None
        model = nested[0]
    return model


def _hint(model: type[BaseModel], path: YamlPath) -> str:
    key = str(path[-1])
    for variable, setting in ENVIRONMENT.items():
        if setting == ".".join(str(part) for part in path) + "_file":
            return f": secrets stay out of this file; name a file with {key}_file, or set {variable}"
    section = _section(model, path[:-1])
    return suggest(key, list(section.model_fields)) if section else ""


def _help(model: type[BaseModel], path: YamlPath) -> str:
    section = _section(model, path[:-1])
    field = section.model_fields.get(str(path[-1])) if section and path else None
    return (field.description or "") if field else ""
