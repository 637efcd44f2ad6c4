"""`printable`: untrusted text as one line that moves no cursor."""

import unicodedata

# Control and format characters, surrogates, and separators of lines.
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: object) -> str:
    """The `str` of an object, with what would not be seen written as `\\n` or `\\x1b`.

    A terminal obeys such characters, and a line break could imitate a message.
    """
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _INVISIBLE
        else character
        for character in str(text)
    )
