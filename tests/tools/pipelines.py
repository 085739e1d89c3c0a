#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judges pipelines that `vmrig ci init` wrote: by the platform's schema, and by what a schema does not say.

	pipelines.py PLATFORM FILE [SCHEMA]	prints each fault, and fails when there is one
	pipelines.py --scripts PLATFORM FILE DIR	writes each shell script of it to a file in DIR
"""
import json
import re
import subprocess
import sys
import tempfile

import yaml

GITHUB = ("github", "actuated", "self-hosted")
CONTEXTS = {
    "job-if": {"github", "needs", "inputs"},
    "matrix": {"github", "needs", "inputs", "matrix", "strategy"},
    "step": {"github", "needs", "inputs", "matrix", "strategy", "steps", "runner", "env", "job"},
}
FUNCTIONS = {"cancelled", "always", "join", "failure", "success"}


class Loader(yaml.SafeLoader):
    """YAML 1.2's booleans, so that the key `on` is no True."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in pairs if tag != "tag:yaml.org,2002:bool"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def expressions(node, path=()):
    """Each ${{ … }} in the tree, with its place; what `if` holds is one without the braces."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "if" and isinstance(value, str) and "${{" not in value:
                yield value, path + (key,)
            else:
                yield from expressions(value, path + (key,))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from expressions(value, path + (i,))
    elif isinstance(node, str):
        for inner in re.findall(r"\$\{\{(.*?)\}\}", node, re.S):
            yield inner, path
        if node.count("${{") != node.count("}}"):
            yield "unbalanced braces", path


def expression_fault(text, allowed):
    bare = re.sub(r"'(?:[^']|'')*'", "''", text)
    if bare.count("(") != bare.count(")"):
        return "parentheses do not match"
    if re.search(r'"', bare):
        return "double quotes"
    for name, call in re.findall(r"(?<![\w.*-])([A-Za-z_][\w-]*)\s*(\(?)", bare):
        if call and name not in FUNCTIONS:
            return f"no function {name}"
        if not call and name not in allowed and name not in ("true", "false", "null"):
            return f"no {name} here"
    return None


def check_github(doc, text, fault):
    if doc.get("permissions") != {"contents": "read"}:
        fault("permissions are more than reading the repository")
    if "concurrency" not in doc:
        fault("no concurrency")
    if "secrets." in text:
        fault("a secret is used")
    for uses, comment in re.findall(r"uses: (\S+)(.*)", text):
        if not re.search(r"@[0-9a-f]{40}$", uses) or not re.search(r"# v\d", comment):
            fault(f"{uses} is not pinned by a commit, with its version beside it")
    jobs = doc["jobs"]
    for name, job in jobs.items():
        if "timeout-minutes" not in job:
            fault(f"{name} has no time limit")
        needs = job.get("needs", [])
        for other in [needs] if isinstance(needs, str) else needs:
            if other not in jobs:
                fault(f"{name} needs {other}, which is no job")
        steps = job["steps"]
        ids = {s["id"] for s in steps if "id" in s}
        keys = {k for row in job.get("strategy", {}).get("matrix", {}).get("include", []) for k in row}
        for inner, path in expressions(job):
            allowed = CONTEXTS["step" if "steps" in path else "job-if" if path == ("if",) else "matrix"]
            bad = expression_fault(inner, allowed)
            if bad:
                fault(f"{name}: expression {inner.strip()!r}: {bad}")
            for key in re.findall(r"matrix\.([\w-]+)", inner):
                if key not in keys:
                    fault(f"{name}: matrix.{key} is in no row of the matrix")
            for key in re.findall(r"steps\.([\w-]+)", inner):
                if key not in ids:
                    fault(f"{name}: steps.{key} is no step")
        tests = [i for i, s in enumerate(steps) if "vmrig test" in s.get("run", "")]
        for i in tests:
            after = [s for s in steps[i + 1:] if "upload-artifact" in s.get("uses", "")]
            if not any(s.get("if") == "always()" for s in after):
                fault(f"{name}: what was tested is not always kept")
            if not any("vmrig doctor --require" in s.get("run", "") for s in steps[:i]):
                fault(f"{name}: tests without the gate")
    if not any("vmrig test" in s.get("run", "") for j in jobs.values() for s in j["steps"]):
        fault("nothing is tested")


def check_gitlab(doc, text, fault):
    jobs = {k: v for k, v in doc.items() if isinstance(v, dict) and "script" in v}

    def inherited(job, key):
        while True:
            if key in job:
                return job[key]
            if "extends" not in job:
                return None
            job = doc[job["extends"]]

    for name, job in jobs.items():
        if not inherited(job, "timeout"):
            fault(f"{name} has no time limit")
        if inherited(job, "stage") not in doc["stages"]:
            fault(f"{name} is of no stage")
        for other in job.get("needs", []):
            if other not in jobs:
                fault(f"{name} needs {other}, which is no job")
        script = "\n".join(job["script"])
        if "vmrig test" in script:
            kept = inherited(job, "artifacts")
            if kept.get("when") != "always" or "junit" not in kept.get("reports", {}):
                fault(f"{name}: what was tested is not always kept, or not reported")
            if "vmrig doctor --require" not in script:
                fault(f"{name}: tests without the gate")


def check_buildkite(doc, text, fault):
    keys = [s["key"] for s in doc["steps"]]
    if len(set(keys)) != len(keys):
        fault("a key stands twice")
    for step in doc["steps"]:
        name = step["key"]
        needs = step.get("depends_on", [])
        for other in [needs] if isinstance(needs, str) else needs:
            if other not in keys:
                fault(f"{name} depends on {other}, which is no step")
        if "block" in step:
            continue
        if "timeout_in_minutes" not in step:
            fault(f"{name} has no time limit")
        if "artifact_paths" not in step:
            fault(f"{name} keeps nothing")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    if re.search(r"(?<!\$)(?:\$\$)*\$(?!\$)", body):
        fault("a single dollar sign would be replaced by the agent")


def check_drone(docs, text, fault):
    for doc in docs:
        names = [s["name"] for s in doc["steps"]] + ["clone"]
        for step in doc["steps"]:
            for other in step["depends_on"]:
                if other not in names:
                    fault(f"{step['name']} depends on {other}, which is no step")
            volumes = [v["name"] for v in doc.get("volumes", [])]
            for device in step.get("devices", []):
                if device["name"] not in volumes:
                    fault(f"{step['name']}: the device {device['name']} is no volume")
    if "${" in text:
        fault("Drone would replace ${…}")


def scripts(platform, docs):
    """(name, shell, text) of each script, as the shell is given it."""
    for doc in docs:
        if platform in GITHUB:
            for name, job in doc["jobs"].items():
                rows = job.get("strategy", {}).get("matrix", {}).get("include", [{}])
                for n, row in enumerate(rows):
                    for i, step in enumerate(job["steps"]):
                        condition = re.fullmatch(r"matrix\.(\w+)", step.get("if", ""))
                        if "run" not in step or condition and not row.get(condition[1]):
                            continue
                        env = {**doc.get("env", {}), **job.get("env", {}), **step.get("env", {})}

                        def fill(s, row=row):
                            s = re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda m: str(row.get(m[1], "")), s)
                            return re.sub(r"\$\{\{.*?\}\}", "expression", s)

                        text = "".join(f"export {k}='{fill(v)}'\n" for k, v in env.items())
                        where = step.get("working-directory")
                        text += f"cd {where}\n" if where else ""
                        yield f"{name}-{n}-{i:02}", "bash", text + fill(step["run"])
        elif platform == "gitlab":
            for name, job in doc.items():
                for key in ("before_script", "script"):
                    if isinstance(job, dict) and key in job:
                        yield f"{name}-{key}", "bash", "\n".join(job[key])
        elif platform == "buildkite":
            for step in doc["steps"]:
                if "command" in step:
                    yield step["key"], "bash", step["command"].replace("$$", "$")
        else:
            for step in doc["steps"]:
                yield f"{doc['name']}-{step['name']}", "sh", "\n".join(step["commands"])


def check_shell(platform, docs, fault):
    for name, shell, text in scripts(platform, docs):
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as f:
            f.write(f"#!/bin/{shell}\n{text}\n")
            f.flush()
            # Names of the platform's are set by it (SC2154), and so is -e (SC2164).
            said = subprocess.run(["shellcheck", "-s", shell, "-e", "SC2154,SC2164", "-f", "gcc", f.name],
                                  capture_output=True, text=True, check=False)
            for line in said.stdout.splitlines():
                fault(f"{name}: {line.replace(f.name, '')}")


def check_schema(docs, schema, fault):
    import jsonschema
    with open(schema, encoding="utf-8") as f:
        validator = jsonschema.validators.validator_for(s := json.load(f))(s)
    for doc in docs:
        # Drone's own runner knows devices (drone-runner-docker, engine/resource/pipeline.go); its schema does not.
        for step in doc["steps"] if isinstance(doc.get("steps"), list) and "kind" in doc else []:
            step.pop("devices", None)
        for e in validator.iter_errors(doc):
            best = jsonschema.exceptions.best_match([e])
            fault(f"schema: {'/'.join(map(str, best.absolute_path))}: {best.message[:300]}")


def main():
    if sys.argv[1] == "--scripts":
        platform, path, folder = sys.argv[2:5]
        with open(path, encoding="utf-8") as f:
            docs = list(yaml.load_all(f, Loader))
        for name, _, text in scripts(platform, docs):
            with open(f"{folder}/{name.replace(' ', '-')}.sh", "w", encoding="utf-8") as f:
                f.write(text + "\n")
        return 0
    platform, path = sys.argv[1:3]
    with open(path, encoding="utf-8") as f:
        text = f.read()
    docs = list(yaml.load_all(text, Loader))
    faults = []
    if platform in GITHUB:
        check_github(docs[0], text, faults.append)
    elif platform == "gitlab":
        check_gitlab(docs[0], text, faults.append)
    elif platform == "buildkite":
        check_buildkite(docs[0], text, faults.append)
    else:
        check_drone(docs, text, faults.append)
    check_shell(platform, docs, faults.append)
    if len(sys.argv) > 3:
        check_schema(docs, sys.argv[3], faults.append)
    for line in faults:
        print(f"{path}: {line}")
    return 1 if faults else 0


sys.exit(main())
