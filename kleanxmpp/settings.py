"""All settings as one tree of parts (`settings_parts`), read once at start and passed down.

Environment (`KLEANXMPP_SERVER__COMPONENT_PORT`) over the TOML file over defaults. The file is handed to pydantic as
the lowest layer, so both are checked by the same rules; error texts name the key and never repeat a value,
which might be a secret.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, get_args

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from kleanxmpp import errors
from kleanxmpp.settings_parts import (
    ApiSettings,
    ClientSettings,
    DatabaseSettings,
    DoctorSettings,
    Domain,
    FilesSettings,
    GuardSettings,
    LogSettings,
    OidcSettings,
    Part,
    ReconcileSettings,
    ScimSettings,
    ServerSettings,
    WebhooksSettings,
    WebsiteSettings,
)

PREFIX = "KLEANXMPP_"
CONFIG_VARIABLE = "KLEANXMPP_CONFIG"
_NO_SETTINGS = (CONFIG_VARIABLE, PREFIX + "TEST_")
DEFAULT_FILES = (Path("kleanxmpp.toml"), Path("/etc/kleanxmpp/kleanxmpp.toml"))


class Settings(BaseSettings):
    """The whole tree."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    database: DatabaseSettings = DatabaseSettings()
    server: ServerSettings = ServerSettings()
    api: ApiSettings = ApiSettings()
    files: FilesSettings = FilesSettings()
    website: WebsiteSettings = WebsiteSettings()
    oidc: dict[Domain, OidcSettings] = Field(default_factory=dict)
    reconcile: ReconcileSettings = ReconcileSettings()
    guard: GuardSettings = GuardSettings()
    webhooks: WebhooksSettings = WebhooksSettings()
    scim: ScimSettings = ScimSettings()
    client: ClientSettings = ClientSettings()
    doctor: DoctorSettings = DoctorSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment above what `read` hands over from the file."""
        return env_settings, init_settings


class _Given(Settings):
    """The tree without the environment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use nothing but what is handed over."""
        return (init_settings,)


def read(file: Path | None = None) -> Settings:
    """Read the settings. `file` None: the one KLEANXMPP_CONFIG names, else the first default that exists.

    Raises Invalid that names the key, or the file that cannot be read.
    """
    chosen = find_file(file)
    values = _from_file(chosen) if chosen else {}
    _refuse_unknown_variables()
    try:
        return Settings(**values)
    except SettingsError as error:
        raise errors.Invalid(
            f"A variable that begins with {PREFIX} cannot be read. Parts are not set as a whole; "
            f"write {PREFIX}SERVER__COMPONENT_PORT=5347 for one key of one part."
        ) from error
    except ValidationError as error:
        raise _explained(error, file=chosen) from None  # the original error repeats values, secrets among them


def made_of(values: Mapping[str, Any]) -> Settings:
    """Return settings of these values and defaults alone: for a server of our own, the environment has no say."""
    try:
        return _Given(**values)
    except ValidationError as error:
        raise _explained(error, file=None) from None


def find_file(file: Path | None = None) -> Path | None:
    """Return the TOML file that `read` would use."""
    if file is None and (named := os.environ.get(CONFIG_VARIABLE)):
        file = Path(named)
    return file or next((candidate for candidate in DEFAULT_FILES if candidate.exists()), None)


def check_for_serving(settings: Settings) -> None:
    """Raise Invalid unless everything is set that has no default and that `serve` needs."""
    server = settings.server
    needed = {
        "component_secret": server.component_secret.get_secret_value(),
        "api_user": server.api_user,
        "api_password": server.api_password.get_secret_value(),
    }
    missing = [f"server.{key}" for key, value in needed.items() if not value]
    if missing:
        raise errors.Invalid(
            f"Not set: {', '.join(missing)}. `kleanxmpp init` writes a configuration with fresh secrets.",
            field=missing[0],
        )


def tables() -> Iterator[tuple[str, type[Part]]]:
    """Yield the tables of the file; of those that every company has one of its own, an example."""
    for name, field in Settings.model_fields.items():
        of_a_company = get_args(field.annotation)
        part = of_a_company[1] if of_a_company else field.annotation
        assert isinstance(part, type) and issubclass(part, Part)
        yield f'{name}."firma.example"' if of_a_company else name, part


def _from_file(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            return tomllib.load(opened)
    except OSError as error:
        raise errors.Invalid(f"The configuration file {file} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.Invalid(f"The configuration file {file} is not valid TOML: {error}") from error


def _refuse_unknown_variables() -> None:
    """Raise for a variable that names no part; pydantic-settings looks only for those it knows."""
    for variable in os.environ:
        part = variable.upper().removeprefix(PREFIX).partition("__")[0].lower()
        ours = variable.upper().startswith(PREFIX) and not variable.startswith(_NO_SETTINGS)
        if ours and part not in Settings.model_fields:
            raise errors.Invalid(
                f"The variable {variable} names no setting. Parts are: {', '.join(Settings.model_fields)}.",
                field=variable,
            )


def _explained(error: ValidationError, *, file: Path | None) -> errors.Invalid:
    first = error.errors(include_input=False, include_url=False)[0]
    path = [str(step) for step in first["loc"]]
    key, variable = ".".join(path), PREFIX + "__".join(path).upper()
    source = variable if variable in {name.upper() for name in os.environ} else str(file or "the environment")
    what = "there is no such setting" if first["type"] == "extra_forbidden" else first["msg"]
    more = f" ({error.error_count() - 1} more are wrong)" if error.error_count() > 1 else ""
    return errors.Invalid(f"Setting {key} in {source}: {what}{more}.", field=key)
