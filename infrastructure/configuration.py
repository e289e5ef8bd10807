"""The one reader of Pulumi's configuration, and of the account it is aimed at.

It hands every value that the stack sets to ``StackSettings``, unknown keys included, so that a misspelt key is
refused instead of ignored. It decides nothing about a value.
"""

from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi.runtime.config import CONFIG, get_config_env

from infrastructure.refusals import CONSEQUENCES, SettingsError
from infrastructure.settings import StackSettings

REGION_KEY: Final = "region"


class RefusedStack(SettingsError, pulumi.RunError):
    """A stack whose settings cannot work: Pulumi ends with the message alone, and no traceback hides it."""


def read_settings() -> StackSettings:
    """Return the current stack's settings, or raise ``SettingsError``; only a real update needs the package."""
    project = pulumi.Config()
    present = {**get_config_env(), **CONFIG.get()}
    own = {key.partition(":")[2] for key in present if key.startswith(f"{project.name}:")}
    if REGION_KEY in own:
        raise RefusedStack("region is no setting of this project: set aws:region, by which the provider goes as well")
    values: dict[str, object] = {}
    for key in sorted(own | CONSEQUENCES.keys() - {REGION_KEY}):
        value = project.get(key)
        if value is not None:
            values[key] = value
    region = pulumi.Config("aws").get(REGION_KEY)
    if region is not None:
        values[REGION_KEY] = region
    try:
        return StackSettings.from_mapping(
            values, stack=pulumi.get_stack(), package_required=not pulumi.runtime.is_dry_run()
        )
    except SettingsError as error:
        raise RefusedStack(str(error)) from error


def current_account() -> pulumi.Output[str]:
    """Return the id of the account that the stack is deployed to."""
    return aws.get_caller_identity_output().account_id
