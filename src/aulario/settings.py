"""Every setting, typed; each is an environment variable that begins with AULARIO_."""

import difflib
import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "AULARIO_"
RATE = r"^[1-9][0-9]*/(second|minute|hour|day)$"
Rate = Annotated[str, Field(pattern=RATE)]


class SettingsError(Exception):
    """A setting that cannot be; the message names it and says what was expected."""


class Settings(BaseSettings):
    """What an administrator decides. The defaults run the whole platform in one process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    data: Path = Field(Path("data"), description="the folder that holds everything the platform keeps")
    host: str = Field("127.0.0.1", description="the address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="the port to listen on; 0 takes a free one")

    database: Literal["sqlite:"] = Field("sqlite:", description="one SQLite file a service, in the data folder")
    durability: Literal["full", "normal"] = Field(
        "full", description="`full`: an acknowledged write survives power loss; `normal`: it survives a crash only"
    )
    broker: Literal["local:"] = Field("local:", description="`local:`: services read each other's outboxes")
    cache: Literal["memory:"] = Field("memory:", description="`memory:`: counts are kept in this process")
    secrets: Literal["file:"] = Field("file:", description="`file:`: encrypted files in the data folder")
    secrets_key: SecretStr | None = Field(
        None, description="the key of those files (base64, 32 bytes), to keep it elsewhere"
    )
    traces: Literal["local:", "off:"] = Field("local:", description="`local:`: the newest are kept in the data folder")
    traces_per_second: float = Field(
        5, ge=0, le=10_000, description="new traces recorded a second; others are not recorded"
    )

    simulated_rate: int = Field(90, ge=0, le=100, description="of a hundred simulated charges, how many succeed")
    simulated_seed: int = Field(0, description="another number makes another series of simulated outcomes")
    simulated_outage: Path | None = Field(None, description="while this file exists, the simulated gateway is down")
    simulated_journal: Path | None = Field(None, description="a file that each simulated charge is written to")

    account_rate: Rate = Field("10/minute", description="password attempts for one account")
    address_rate: Rate = Field("60/minute", description="password attempts from one address")
    max_body: int = Field(1_048_576, ge=1024, description="bytes a request may send")
    trusted_hops: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="networks whose X-Forwarded-For, X-Request-Id and traceparent are believed; comma separated",
    )
    issuer: str = Field("aulario", description="the name of this installation in its tokens")

    demo: bool = Field(default=True, description="whether an empty installation is given the demo academies")
    grace: float = Field(10, ge=0, le=300, description="seconds that requests and calls get to finish at a stop")
    log: Literal["auto", "json", "pretty"] = Field("auto", description="how log lines look; auto: pretty on a terminal")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is logged")
    crash: str = Field("", description="crash points to arm, for the tests of crashes")

    @field_validator("trusted_hops", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; raises SettingsError for one that is wrong, or that does not exist."""
    environment = os.environ if environment is None else environment
    for name in environment:
        if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in Settings.model_fields:
            raise SettingsError(_unknown(name))
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_wrong(problem) for problem in error.errors())) from error


def _unknown(name: str) -> str:
    names = [field.upper() for field in Settings.model_fields]
    # Without the prefix, for with it every name is near to every other.
    near = difflib.get_close_matches(name.removeprefix(PREFIX), names, 1)
    there = ", ".join(f"{PREFIX}{name}" for name in names)
    return f"{name} is no setting." + (f" Is {PREFIX}{near[0]} meant?" if near else f" There are: {there}.")


def _wrong(problem: Any) -> str:
    field = str(problem["loc"][0])
    meaning = Settings.model_fields[field].description
    return f"{PREFIX}{field.upper()} is {problem['input']!r}: {problem['msg']} ({meaning})."
