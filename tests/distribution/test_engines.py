"""The engines of the three backends define the same functions."""

import ast
import pathlib

import pytest

from keras_mra.distribution import engine

FOLDER = pathlib.Path(engine.__file__).parent


def protocol_body():
    """The statements of the class `Engine`."""
    tree = ast.parse(pathlib.Path(engine.__file__).read_text(encoding="utf-8"))
    (protocol,) = (
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "Engine"
    )
    return protocol.body


def signatures(nodes):
    """Arguments and return types of the public functions, by name."""
    found = {}
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            arguments = [a for a in node.args.args if a.arg != "self"]
            node.args.args = arguments
            found[node.name] = ast.unparse(node.args), ast.unparse(node.returns)
    return found


def constants(nodes):
    """Names in capitals that are assigned or declared."""
    targets = [
        target
        for node in nodes
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    return {target.id for target in targets}


@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_every_engine_has_the_functions_of_the_protocol(backend):
    wanted = protocol_body()
    # Read, not imported: an import needs the library.
    text = (FOLDER / f"{backend}.py").read_text(encoding="utf-8")
    found = ast.parse(text).body
    assert len(signatures(wanted)) > 10
    assert signatures(found) == signatures(wanted)
    assert constants(found) == constants(wanted)
