#!/bin/bash
# SPDX-License-Identifier: MIT
# What the pages say of the tree is so: their links lead somewhere, the messages of docs/troubleshooting.md are those of
# the source, the tests that docs/security.md names are there, the commands have the options that are shown, and the README
# leads to every page.
#
#	pages.sh VMRIG
set -u
VMRIG=$(realpath "$1") || exit 1
export VMRIG
cd "$(dirname "$0")/../.." || exit 1

exec python3 - <<'END'
import glob, os, re, subprocess, sys

pages = ["README.md"] + sorted(glob.glob("docs/*.md"))
text = {p: open(p, encoding="utf-8").read() for p in pages}

def slug(heading):
    heading = re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", ""))
    return heading.replace(" ", "-")

def prose(page):
    return re.sub(r"^```.*?^```$", "", text[page], flags=re.M | re.S)

def anchors(page):
    return {slug(h) for h in re.findall(r"^#+ (.*)$", prose(page), flags=re.M)}

def broken_links():
    for page in pages:
        folder = page.rpartition("/")[0]
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            there = page if not path else re.sub(r"[^/]+/\.\./", "", f"{folder}/{path}" if folder else path)
            if not glob.glob(there):
                yield f"{page}: {target}: no such file"
            elif anchor and there in text and anchor not in anchors(there):
                yield f"{page}: {target}: no such heading"

LITERAL = r'"((?:[^"\\\n]|\\.)*)"'

def literals():
    for file in glob.glob("src/**/*.c", recursive=True) + glob.glob("src/**/*.h", recursive=True):
        for run in re.finditer(rf"{LITERAL}(?:\s*{LITERAL})*", open(file, encoding="utf-8").read()):
            yield "".join(re.findall(LITERAL, run.group(0))).replace('\\"', '"')

def strange_messages():
    known = list(literals())
    messages = re.findall(r"^### `(.*)`$", text["docs/troubleshooting.md"], flags=re.M)
    if len(messages) < 30:
        yield f"only {len(messages)} messages"
    for message in messages:
        parts = [p.strip() for p in re.split("…|: ", message)]
        for part in (p for p in parts if len(p) > 3):
            if not any(part in literal for literal in known):
                yield f"'{message}': '{part}' is in no text of the source"

def missing_tests():
    tests = "".join(open(f, encoding="utf-8").read() for f in
        glob.glob("tests/e2e/*.sh") + glob.glob("tests/unit/**/*.c", recursive=True) + glob.glob("tests/tools/*.sh"))
    page = text["docs/security.md"]
    named = [n for row in re.findall(r"^\|.*\|$", page, flags=re.M) for n in re.findall(r"`([a-z0-9_]{12,})`", row.split("|")[-2])]
    if len(named) < 15:
        yield f"only {len(named)} tests are named"
    for name in named:
        if not re.search(rf"\b(test_)?{name}\(", tests):
            yield f"{name}: no such test"

def commands():
    """Each command that a block of a page shows, up to a pipe or a comment: page, words."""
    for page in pages:
        for kind, block in re.findall(r"^```(\w*)\n(.*?)^```$", text[page], flags=re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines() if kind in ("", "sh") else []:
                for command in re.findall(r"(?:^|[;&|] |\bdo |\brun )\$? *vmrig ([^#|;&]*)", line):
                    yield page, command.split(" -- ")[0].split()

def help_of(words, cache={}):
    key = " ".join(words)
    if key not in cache:
        run = subprocess.run([os.environ["VMRIG"], *words, "--help"], capture_output=True, text=True)
        cache[key] = run.stdout if run.returncode == 0 else ""
    return cache[key]

def wrong_commands():
    n = 0
    for page, words in commands():
        if not words or not re.fullmatch("[a-z]+", words[0]):
            continue
        n += 1
        told = help_of(words[:1])
        name = words[:1]
        while told.startswith("Usage: vmrig " + " ".join(name) + " COMMAND") and len(words) > len(name):
            name = words[:len(name) + 1]
            told = help_of(name)
        if not told:
            yield f"{page}: vmrig {' '.join(name)}: no such command"
        for option in re.findall(r"(?:^| )(--[a-z][a-z-]*|-[a-zA-Z])(?= |=|$)", " ".join(words[len(name):])):
            if told and not re.search(rf"(?:^|[ \[|,]){option}\b", told, flags=re.M):
                yield f"{page}: vmrig {' '.join(words)}: no option {option}"
    if n < 60:
        yield f"only {n} commands were found"

def unlinked():
    for page in pages[1:]:
        if f"({page})" not in text["README.md"]:
            yield page

bad = False
checks = {"every_link_leads_somewhere": broken_links, "messages_are_those_of_the_source": strange_messages,
    "tests_that_are_named_exist": missing_tests, "commands_have_the_options_that_are_shown": wrong_commands,
    "the_readme_leads_to_every_page": unlinked}
print(f"1..{len(checks)}")
for n, (name, check) in enumerate(checks.items(), 1):
    faults = list(check())
    bad |= bool(faults)
    print(f"{'not ok' if faults else 'ok'} {n} - {name}")
    for fault in faults:
        print(f"# {fault}")
sys.exit(bad)
END
