"""
Bodies that keep rules which a schema does not say (names of the right letters, patterns, graphs without cycles), so that requests get
past the first check. Only bodies that fit the schema are tamed, and of those three of four: the rest is for the checks themselves.
"""

import json
import zlib

from schemathesis import GenerationMode

TASKS = ["one", "two", "three", "four"]
NAMESPACES = ["victim", "other", "third", "Fourth-4"]
ROLES = ["victim", "other-role", "ANOTHER"]
KEYS = ["one", "two", "__proto__", "constructor"]
RESOURCES = ["all", "namespaces:^default$", "pipelines:(a|b)+-[0-9]{1,3}", "runs", "secrets", "extensions:"]
PATTERNS = [".*", "^default$", "(?i)team-[a-z]*"]
IMAGES = ["busybox", "ubuntu:24.04", f"registry.example/a/b@sha256:{'0' * 64}"]


def checksum(value):
    return zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode())


def pick(choices, value):
    return choices[checksum(value) % len(choices)]


def is_tamed(case):
    positive = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    return positive and checksum(case.body) % 4 != 0


def tame_role(body, path):
    if "id" in body:
        body["id"] = pick(ROLES, body["id"])
    for permission in body.get("permissions") or []:
        permission["actions"] = permission["actions"] or ["read"]
        permission["resources"] = [pick(RESOURCES, each) for each in permission["resources"]] or ["runs"]


def tame_secret(body, path):
    body["key"] = pick(KEYS, body["key"])
    body["content"] = body["content"] or "x"
    if "namespaces" in body:
        body["namespaces"] = [pick(PATTERNS, each) for each in body["namespaces"]]


def tame_namespace(body, path):
    body["id"] = pick(NAMESPACES, body["id"])


def tame_token(body, path):
    body["roles"] = [pick(["custom", "user", "admin"], role) for role in body["roles"]]


def tame_variables(variables):
    return {key.replace("=", "").replace("\0", ""): value.replace("\0", "") for key, value in variables.items()}


def tame_run(body, path):
    if isinstance(body.get("variables"), dict):
        body["variables"] = tame_variables(body["variables"])


def tame_config(body, path):
    config = body["config"]
    config["id"] = path["pipeline_id"]
    config["parallelism"] = min(config["parallelism"], 1000)
    config["tasks"] = config["tasks"][: len(TASKS)] or [
        {"image": "", "depends_on": {}, "variables": {}, "inject_api_token": True, "always_pull_newest_image": False}
    ]
    for at, task in enumerate(config["tasks"]):
        task["id"] = TASKS[at]
        task["image"] = pick(IMAGES, task["image"])
        task["variables"] = tame_variables(task["variables"])
        parents = zip(TASKS[:at], task["depends_on"].values())
        task["depends_on"] = {parent: "Any" if status == "Unknown" else status for parent, status in parents}
        for words in ("entrypoint", "command"):
            if task.get(words):
                task[words] = [word.replace("\0", "") for word in task[words]]


def tame_extension(body, path):
    body["id"] = pick(["other", "third"], body["id"])
    body["settings"] = {}
    body.pop("registry_auth", None)
    body.pop("additional_roles", None)


def tame_extension_change(body, path):
    for name in ("settings", "registry_auth", "additional_roles"):
        body.pop(name, None)


def tame_subscription(body, path):
    body["extension_id"] = "cron"
    body["subscription_id"] = pick(["two", "three", "four"], body["subscription_id"])
    body["settings"] = {"expression": "0 3 1 1 * 2099"}


def tame_subscription_change(body, path):
    if "settings" in body:
        body["settings"] = {"expression": "0 4 1 1 * 2099"}


TAME = {
    "create_namespace": tame_namespace,
    "create_subscription": tame_subscription,
    "install_extension": tame_extension,
    "update_extension": tame_extension_change,
    "update_subscription": tame_subscription_change,
    "create_role": tame_role,
    "update_role": tame_role,
    "create_token": tame_token,
    "put_global_secret": tame_secret,
    "put_pipeline_secret": tame_secret,
    "register_config": tame_config,
    "start_run": tame_run,
}
