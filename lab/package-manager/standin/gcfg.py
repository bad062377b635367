"""Reads the gcfg format: sections, subsections, quotes, trailing comments. Positions are kept for messages."""

from collections import namedtuple

Entry = namedtuple("Entry", "section subsection name value line")
ESCAPES = {"\\": "\\", '"': '"', "n": "\n", "t": "\t"}


class SyntaxProblem(Exception):
    """A line that is not gcfg; the text names the line."""


def parse(text):
    """Entries in file order; value is None for a bare name. Raises SyntaxProblem at the first bad line."""
    entries, section, subsection = [], None, None
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    number = 0
    while number < len(lines):
        line, start = lines[number], number + 1
        while line.endswith("\\") and not in_comment(line) and number + 1 < len(lines):
            number += 1
            line = line[:-1] + lines[number]
        number += 1
        bare = line.strip()
        if bare == "" or bare[0] in ";#":
            continue
        if bare[0] == "[":
            section, subsection = header(bare, start)
        elif section is None:
            raise SyntaxProblem(f"line {start}: a property before the first section")
        else:
            entries.append(Entry(section, subsection, *assignment(bare, start), start))
    return entries


def in_comment(line):
    """True when the line's end lies in a comment, so that a last backslash continues nothing."""
    quoted = False
    for at, char in enumerate(line):
        if char == '"' and (at == 0 or line[at - 1] != "\\"):
            quoted = not quoted
        if char in ";#" and not quoted:
            return True
    return False


def header(bare, line):
    """(section, subsection or None) of one header line."""
    body, rest, quoted, at = [], "", False, 1
    while at < len(bare):
        char = bare[at]
        if quoted and char == "\\" and at + 1 < len(bare) and bare[at + 1] in '\\"':
            body.append(bare[at : at + 2])
            at += 2
            continue
        if char == '"':
            quoted = not quoted
        if char == "]" and not quoted:
            rest = bare[at + 1 :].strip()
            break
        body.append(char)
        at += 1
    else:
        raise SyntaxProblem(f"line {line}: a section header without its closing bracket")
    if rest and rest[0] not in ";#":
        raise SyntaxProblem(f"line {line}: text after a section header")
    inner = "".join(body).strip()
    name, _, quoted_part = inner.partition('"')
    check_name(name.strip(), line)
    if not _:
        return name.strip(), None
    if not quoted_part.endswith('"') or quoted_part == '"':
        raise SyntaxProblem(f"line {line}: an empty or unterminated subsection name")
    return name.strip(), quoted_part[:-1].replace('\\"', '"').replace("\\\\", "\\")


def assignment(bare, line):
    """(name, value or None) of one property line."""
    at = 0
    while at < len(bare) and (bare[at].isalnum() or bare[at] == "-"):
        at += 1
    name, rest = bare[:at], bare[at:].strip()
    check_name(name, line)
    if rest == "" or rest[0] in ";#":
        return name, None
    if rest[0] != "=":
        raise SyntaxProblem(f"line {line}: {name} is followed by {rest[0]!r}, not by =")
    return name, value_of(rest[1:].strip(), line)


def check_name(name, line):
    """Refuses what the format does not allow as a name."""
    if not name or not name[0].isalpha() or not all(c.isalnum() or c == "-" for c in name):
        raise SyntaxProblem(f"line {line}: {name!r} is not a name")


def value_of(raw, line):
    """The value of a raw right-hand side: comments cut, quotes and escapes taken away."""
    out, blanks, quoted, at = [], "", False, 0
    while at < len(raw):
        char = raw[at]
        if char == '"':
            quoted = not quoted
            out.append(blanks)
            blanks = ""
        elif char == "\\":
            follow = raw[at + 1 : at + 2]
            if follow not in (ESCAPES if quoted else {'"': '"'}):
                raise SyntaxProblem(f"line {line}: unknown escape \\{follow}")
            out.append(blanks + (ESCAPES[follow]))
            blanks = ""
            at += 1
        elif not quoted and char in ";#":
            break
        elif not quoted and char in " \t":
            blanks += char
        else:
            out.append(blanks + char)
            blanks = ""
        at += 1
    if quoted:
        raise SyntaxProblem(f"line {line}: a quote is not closed")
    return "".join(out)
