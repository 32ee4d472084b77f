"""
What schemathesis is told beside the document, and what is checked beyond its own checks. Two variables of the environment say for whom:

  GOFER_FUZZ_AS      `admin`, `role` (a custom role), `none`, `wrong` (a token that nobody has) or `bypassed` (development mode)
  GOFER_FUZZ_REPORT  where the statuses of each operation go, as JSON

Kept out, so that the fuzz goes on to reach something; other tests have each of these:

  - WebSockets, which have no answer: `web-sockets.test.ts` beside this is for them;
  - the deletion of the namespace, the pipeline, the run, the role, the extension and the subscription that the other requests are
    about, and an end of that extension; all others may go;
  - images of extensions, which the scheduler of the server does not run: those that come with the server are asked for in their place;
  - `ignore_pipeline_run_events = true`, and the state `disabled` of that pipeline: then every start is answered with 503;
  - a `wait` of more than a second, which is waited for as it should be.

The caller's own token needs no such care: the server refuses to delete or disable it.
"""

import atexit
import collections
import copy
import json
import os
import re
from urllib.parse import unquote

import schemathesis
from tame_bodies import TAME, is_tamed

WHO = os.environ["GOFER_FUZZ_AS"]
LONGEST_WAIT = 1
# What the role has; `fuzz-server.ts` creates it.
ROLE_RESOURCES = {"namespaces", "pipelines", "configs", "runs", "secrets"}
ROLE_ACTIONS = {"read", "write"}
KEPT = {
    "delete_namespace": {"namespace_id": "default"},
    "delete_pipeline": {"namespace_id": "default", "pipeline_id": "demo"},
    "update_pipeline": {"namespace_id": "default", "pipeline_id": "demo", "state": "disabled"},
    "cancel_run": {"namespace_id": "default", "pipeline_id": "demo", "run_id": "1", "purge": "true"},
    "delete_role": {"role_id": "custom"},
    "uninstall_extension": {"extension_id": "cron"},
    "update_extension": {"extension_id": "cron", "enable": "false"},
    "delete_subscription": {"namespace_id": "default", "pipeline_id": "demo", "subscription_id": "one"},
    "update_system_preferences": {"ignore_pipeline_run_events": "true"},
}

statuses = collections.defaultdict(collections.Counter)


def operation_id(case):
    return case.operation.definition.raw.get("operationId", "")


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Answers hold what the document says and nothing else: an object with named fields has no others there."""
    schemas = raw_schema["components"]["schemas"]

    def closed(node):
        if isinstance(node, list):
            return [closed(each) for each in node]
        if not isinstance(node, dict):
            return node
        name = node.get("$ref", "").removeprefix("#/components/schemas/")
        if name in schemas and not name.startswith("Closed"):
            if f"Closed{name}" not in schemas:
                schemas[f"Closed{name}"] = closed(copy.deepcopy(schemas[name]))
            return {"$ref": f"#/components/schemas/Closed{name}"}
        plain = {key: closed(value) for key, value in node.items()}
        if isinstance(plain.get("properties"), dict) and "additionalProperties" not in plain:
            plain["additionalProperties"] = False
        return plain

    raw_schema["components"]["responses"] = closed(raw_schema["components"]["responses"])
    for path in raw_schema["paths"].values():
        for operation in path.values():
            operation["responses"] = closed(operation["responses"])


@schemathesis.hook
def filter_case(context, case):
    kept = KEPT.get(operation_id(case))
    if kept is None:
        return True
    body = case.body if isinstance(case.body, dict) else {}
    given = {**body, **(case.query or {}), **(case.path_parameters or {})}
    return any(unquote(str(given.get(name))).lower() != value.lower() for name, value in kept.items())


@schemathesis.hook
def before_call(context, case, kwargs):
    wait = str((case.query or {}).get("wait"))
    if wait.isdecimal() and LONGEST_WAIT < int(wait) <= 3600:
        case.query["wait"] = LONGEST_WAIT
    if operation_id(case) == "install_extension" and wait == "None":
        case.query = {**(case.query or {}), "wait": LONGEST_WAIT}
    if operation_id(case) in ("install_extension", "update_extension") and isinstance(case.body, dict):
        if isinstance(case.body.get("image"), str):
            case.body["image"] = "builtin:cron"
    tame = TAME.get(operation_id(case))
    if tame is not None and isinstance(case.body, dict) and is_tamed(case):
        tame(case.body, {name: unquote(str(value)) for name, value in (case.path_parameters or {}).items()})


@schemathesis.hook
def after_call(context, case, response):
    statuses[operation_id(case)][response.status_code] += 1


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """To delete a run or a task is to cancel it: it is there afterwards, and so is what belongs to it."""
    cancelled = re.fullmatch(r"DELETE .*/runs/[^/]+(/tasks/[^/]+)?", getattr(failure, "free", ""))
    return cancelled is None


@schemathesis.check
def documented_server_error(context, response, case):
    """Beyond 499 the document must have the number: the range stands for what is not expected of a server that works."""
    documented = case.operation.definition.raw["responses"]
    if response.status_code >= 500 and str(response.status_code) not in documented:
        raise AssertionError(f"{response.status_code} is not in the document: {response.text[:500]}")


@schemathesis.check
def refused_without_credentials(context, response, case):
    """Whatever else is wrong: 401, or 429 for wrong ones that come too often. Only what is too long, or no route, is told before that."""
    if WHO not in ("none", "wrong") or case.operation.definition.raw["security"] == []:
        return
    refusals = {401} if WHO == "none" else {401, 429}
    if response.status_code in refusals | {405, 414, 431}:
        return
    if response.status_code == 400 and "path cannot be used" in response.text:
        return
    raise AssertionError(f"expected one of {sorted(refusals)}, was {response.status_code}: {response.text[:500]}")


@schemathesis.check
def nothing_beyond_the_role(context, response, case):
    """What the document says a route needs, and the role has not, is refused."""
    needed = case.operation.definition.raw["x-gofer-permission"]
    if WHO != "role" or needed in ("none", "token") or response.status_code >= 400:
        return
    if needed == "admin" or needed["action"] not in ROLE_ACTIONS or not ROLE_RESOURCES.issuperset(needed["resources"]):
        raise AssertionError(f"the role lets its holder do {operation_id(case)}")


def write_report():
    report = os.environ.get("GOFER_FUZZ_REPORT")
    if report is not None:
        with open(report, "w", encoding="utf-8") as file:
            json.dump({name: dict(counts) for name, counts in statuses.items()}, file)


atexit.register(write_report)
