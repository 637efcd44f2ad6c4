"""`keras-mra pretrain`: the arguments of `pretrain_mae` and `pretrain_msa` as options.

An option that is not given is not passed to the two functions, so that their defaults
hold. The help shows them from a table, because it imports no backend.
"""

import inspect
import pathlib
import shlex
import sys
import time
from collections.abc import Callable
from typing import Annotated
from typing import Any

import typer
import typer.core

from keras_mra_cli.path import path
from keras_mra_cli.plain_errors import plain_errors
from keras_mra_cli.pretrain_defaults import DEFAULTS
from keras_mra_cli.pretrain_options import OPTIONS
from keras_mra_cli.saved_training import saved_training

METHODS = ("mae", "msa")
# Images that the command keeps for its measurements, where there is no test split.
HELD_OUT = 64
# What is written beside the preset.
REPORTS = ("README.md", "preview.png")


def pretrain(
    data: Annotated[
        str,
        typer.Argument(
            help="fashion_mnist, digits, cifar10, cifar100, folder:PATH or tfds:NAME."
        ),
    ],
    out: Annotated[
        pathlib.Path, typer.Option(help="Preset folder to write.", parser=path)
    ],
    method: Annotated[
        str, typer.Option(help="mae, or msa, which adds a contrastive teacher.")
    ] = "mae",
    **given: Any,
) -> None:
    """Train a masked autoencoder on unlabelled images and save it as a preset."""
    if method not in METHODS:
        raise typer.BadParameter(f"--method must be mae or msa. Received: {method!r}")
    arguments = _read(given, method)
    # Unlike the functions, the command uses all devices unless told otherwise.
    arguments.setdefault("distribution", "auto")
    arguments.setdefault("held_out", HELD_OUT)
    if arguments.get("verbose", "auto") == "auto" and not sys.stdout.isatty():
        arguments["verbose"] = 2  # A bar would write backspaces into a file.
    started = time.time()
    with plain_errors(
        lambda: saved_training(data, out, arguments.get("checkpoint"), started)
    ):
        import keras_mra
        from keras_mra import files
        from keras_mra.datasets.folder_of import folder_of
        from keras_mra.models.presets import check_writable
        from keras_mra.pretrain.model_card import write_model_card
        from keras_mra_cli.ends_between_steps import EndsBetweenSteps
        from keras_mra_cli.pretrain_report import measure
        from keras_mra_cli.pretrain_report import print_next
        from keras_mra_cli.pretrain_report import print_verdicts

        # An error here must not come after the training.
        files.check_outside("out", out, "data", folder_of(data))
        check_writable("out", out)
        files.probe_folder("out", out, REPORTS)
        if len(arguments.get("image_shape", ())) == 2:
            arguments["image_shape"] += keras_mra.datasets.load(data).image_shape[2:]
        arguments["callbacks"] = [EndsBetweenSteps()]
        if method == "msa":
            mae = keras_mra.pretrain_msa(data, **arguments).mae
        else:
            mae = keras_mra.pretrain_mae(data, **arguments)
        if not keras_mra.distribution.is_main_process():
            return
        mae.save_to_preset(out)
        command = shlex.join(["keras-mra", *sys.argv[1:]])
        inspection, images = None, ""
        try:
            limit = arguments.get("max_megapixels", DEFAULTS["max_megapixels"])
            inspection, images = measure(mae, out, data, arguments["held_out"], limit)
            print_verdicts(inspection, images)
        except (ValueError, OSError, ImportError) as error:
            # The preset is written: what is missing is only its measures.
            typer.echo(f"Warning: the preset was not measured: {error}", err=True)
        write_model_card(out, mae, data, command, inspection, images)
        print_next(out, data)


def _read(given: dict[str, Any], method: str) -> dict[str, Any]:
    """The arguments of the method's function, from the options that were given."""
    arguments = {}
    for option in OPTIONS:
        value = given[option.name]
        if value is None:
            continue
        if option.method not in (None, method):
            raise typer.BadParameter(
                f"{option.flag} is for --method {option.method} only."
            )
        try:
            arguments[option.name] = option.read(value)
        except ValueError as error:
            raise typer.BadParameter(
                f"{option.flag} must be {(option.form or '').replace('|', ' or ')}. "
                f"Received: {value!r}"
            ) from error
    return arguments


def _with_options(command: Callable[..., None]) -> inspect.Signature:
    """The command's signature with an optional parameter for each option."""
    own = inspect.signature(command).parameters.values()
    parameters = [p for p in own if p.kind is not inspect.Parameter.VAR_KEYWORD]
    for option in OPTIONS:
        declared = typer.Option(
            f"{option.flag}/--no-{option.flag[2:]}"
            if option.kind is bool
            else option.flag,
            help=option.help,
            metavar=option.form,
            parser=path if option.kind is pathlib.Path else None,
            rich_help_panel=option.method and f"Only with --method {option.method}",
        )
        parameters.append(
            inspect.Parameter(
                option.name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=Annotated[option.kind | None, declared],
                default=None,
            )
        )
    return inspect.Signature(parameters)


# Typer makes the options from the signature and the annotations.
pretrain.__signature__ = _with_options(pretrain)  # type: ignore[attr-defined]
pretrain.__annotations__ = {
    name: parameter.annotation
    for name, parameter in inspect.signature(pretrain).parameters.items()
}


class PretrainCommand(typer.core.TyperCommand):
    """A command whose help shows the defaults of `pretrain_mae` and `pretrain_msa`."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        # Only here: a parsed command must tell what was given.
        for param in self.params:
            default = DEFAULTS.get(param.name or "")
            if isinstance(default, tuple):
                default = ",".join(str(part) for part in default)
            if default is not None:
                param.default = default
        super().format_help(ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes the options of one method apart, as Rich's panels do."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            kind = f"{param.param_type_name.capitalize()}s"
            panel = getattr(param, "rich_help_panel", None) or kind
            if record is not None:
                panels.setdefault(panel, []).append(record)
        for panel, records in panels.items():
            with formatter.section(panel):
                formatter.write_dl(records)
