"""A griffe extension: API pages show the names that an `__init__.py` imports.

griffe reads the code for mkdocstrings. Without the extension it shows a module in place
of a function of the same name, and does not know Keras' "Call arguments" section.
"""

import griffe


class PublicNames(griffe.Extension):
    """Gives every package what its `__init__.py` imports from below itself."""

    def on_package(self, *, pkg, loader, **kwargs):
        modules = list(_modules(pkg))
        for module in modules:
            for found in module.classes.values():
                if not found.is_alias and found.docstring is not None:
                    found.docstring.value = found.docstring.value.replace(
                        "\nCall arguments:\n", "\nOther Parameters: Call arguments:\n"
                    )
        # All are found before the first is put in the place of a module.
        for module, imported in [(m, _imported(m, pkg)) for m in modules]:
            for line, (name, target) in enumerate(imported.items()):
                alias = griffe.Alias(name, target, lineno=line, parent=module)
                alias.public = True
                module.members[name] = alias


def _modules(module):
    yield module
    for inner in module.modules.values():
        if not inner.is_alias:
            yield from _modules(inner)


def _imported(module, root):
    """Functions and classes that a package imports from below, by name."""
    found = {}
    for name, path in module.imports.items():
        if path.startswith(f"{module.path}.") and not name.startswith("_"):
            target = root[path.removeprefix(f"{root.path}.")]
            if target.is_module and name in target.members:
                target = target[name]  # The module has the name of its function.
            if not target.is_module:
                found[name] = target
    return found
