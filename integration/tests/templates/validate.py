"""Holds deployment files against checks that their vendors or others publish. Prints one line a mistake.

Usage: validate.py KIND FOLDER [SCHEMAS]. SCHEMAS is a folder of schemas, or of an environment with client libraries. Below FOLDER lie <service>/<platform>/<files>. The exit code is 0 if all was
looked at, whatever was found; what is wrong with a file is a line of the output.
"""
import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

kind, root = sys.argv[1], Path(sys.argv[2])
schemas = Path(sys.argv[3]) if len(sys.argv) > 3 else None
seen = 0


class Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):
    """YAML 1.1, with the tags of CloudFormation as what they stand for."""


def tag(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    return {suffix: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", tag)


def files(platform, name):
    global seen
    found = sorted(path for path in root.glob(f"*/{platform}/**/*") if path.is_file() and path.match(name))
    seen += len(found)
    return found


def documents(path):
    return list(yaml.load_all(path.read_text(), Loader=Loader))


def say(path, what):
    print(f"{path.relative_to(root)}: {what}")


def by_schema(path, value, schema):
    import jsonschema

    validator = jsonschema.validators.validator_for(schema)(schema)
    for error in validator.iter_errors(value):
        # A region of another cloud is what the yml says.
        if list(error.absolute_path) != ["region"]:
            say(path, f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")


def known_keys(path, value, schema, whole, at=""):
    """Every key has to be one that the schema speaks of, also where it would take others."""
    options = [schema]
    while options and "$ref" in options[0]:
        node = whole
        for part in options[0]["$ref"].lstrip("#/").split("/"):
            node = node[part]
        options[0] = node
    for word in ("anyOf", "oneOf", "allOf"):
        options += schema_of(options[0].get(word, []), whole)
    if isinstance(value, dict):
        properties, takes_all, has_any = {}, False, False
        for option in options:
            properties.update(option.get("properties", {}))
            has_any |= "properties" in option
            takes_all |= option.get("additionalProperties") not in (None, False)
            takes_all |= bool(option.get("x-kubernetes-preserve-unknown-fields"))
        for key, inner in value.items():
            # What a trigger's configuration may be depends on its type, and is looked at by it.
            if key in properties and key != "triggerConfig":
                known_keys(path, inner, properties[key], whole, f"{at}/{key}")
            elif key not in properties and not takes_all and has_any:
                say(path, f"{at}/{key}: the schema knows no such key")
    elif isinstance(value, list):
        for option in options:
            if "items" in option:
                for number, inner in enumerate(value):
                    known_keys(path, inner, option["items"], whole, f"{at}/{number}")
                break


def schema_of(options, whole):
    out = []
    for option in options:
        while "$ref" in option:
            node = whole
            for part in option["$ref"].lstrip("#/").split("/"):
                node = node[part]
            option = node
        out.append(option)
    return out


def schema(name):
    return json.loads((schemas / name).read_text())


def aws():
    all_files = files("aws-lambda", "template.yaml")
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--format", "json", "--regions", "eu-central-1", "--", *all_files],
        capture_output=True, text=True,
    )
    if done.returncode not in (0, 2, 4, 6, 8, 10, 12, 14):
        sys.exit(done.stderr)
    for match in json.loads(done.stdout or "[]"):
        # What a yml itself says of its network, its buckets and its resources is handed on as it is, right or wrong.
        if match["Rule"]["Id"] in ("E1161", "E3031", "E1150") or "resources-untouched" in match["Filename"]:
            continue
        place = match["Location"]["Start"]["LineNumber"]
        say(Path(match["Filename"]), f"{place}: {match['Rule']['Id']} {match['Message']}")
    from samtranslator.validator.validator import SamTemplateValidator

    for path in all_files:
        if "resources-untouched" in path.parts:
            continue
        for document in documents(path):
            problem = SamTemplateValidator.validate(document)
            if problem:
                say(path, f"SAM: {problem}")


def aliyun():
    fc3 = schema("aliyun-fc3.json")
    for path in files("aliyun-fc", "s.yaml"):
        for document in documents(path):
            for name, resource in document["resources"].items():
                if resource.get("component") == "fc3":
                    by_schema(path, resource["props"], fc3)
                    known_keys(path, resource["props"], fc3, fc3, name)
                    for trigger in resource["props"].get("triggers", []):
                        config = {
                            "http": "IHttpTriggerConfig", "timer": "ITimerTriggerConfig", "oss": "IOssTriggerConfig",
                            "log": "ILogTriggerConfig", "mns_topic": "IMnsTriggerConfig", "tablestore": "IOtsConfig",
                            "eventbridge": "IEventBridge", "cdn_events": "ICdnTriggerConfig",
                        }[trigger["triggerType"]]
                        # The schema takes any of them for any type.
                        of = dict(fc3["definitions"][config], definitions=fc3["definitions"])
                        by_schema(path, trigger["triggerConfig"], of)
                        known_keys(path, trigger["triggerConfig"], of, fc3, f"{name}/{trigger['triggerName']}")


# Bindings that the schema has no definition of, or an old one: the keys of the vendor's pages.
AZURE_PAGES = {
    "blobTrigger": "source",
    "kafkaTrigger": "topic brokerList consumerGroup",
    "cosmosDBTrigger": "connection databaseName containerName leaseContainerName createLeaseContainerIfNotExists",
    "eventGridTrigger": "",
    "eventHubTrigger": "eventHubName connection cardinality consumerGroup",
}


def azure_binding(path, binding, definitions):
    """The schema's own choice among bindings takes none, since some of them fit any type: here the type chooses."""
    by_schema(path, binding, definitions["bindingBase"])
    known = set(definitions["bindingBase"]["properties"])
    is_known = False
    for definition in definitions.values():
        for option in definition.get("oneOf", [definition]):
            of = option.get("properties", {}).get("type", {})
            if isinstance(of, dict) and binding["type"] in of.get("enum", []):
                is_known = True
                draft = {"$schema": "http://json-schema.org/draft-04/schema#"}
                by_schema(path, binding, dict(option, **draft))
                by_schema(path, binding, dict(draft, properties=definition.get("properties", {})))
                known |= set(option["properties"]) | set(definition.get("properties", {}))
    if binding["type"] in AZURE_PAGES:
        known |= set(AZURE_PAGES[binding["type"]].split())
    elif not is_known:
        say(path, f"nobody knows the binding {binding['type']}")
    for key in set(binding) - known:
        say(path, f"{binding['type']} has no {key}")


def azure():
    for name in ("host.json", "function.json", "local.settings.json"):
        of = schema(f"azure-{name}")
        for path in files("azure-functions", name):
            value = json.loads(path.read_text())
            if name == "function.json":
                for binding in value["bindings"]:
                    azure_binding(path, binding, of["definitions"])
            else:
                by_schema(path, value, of)
            if name == "host.json":
                known_keys(path, value, of, of)
            elif name == "local.settings.json":
                for key, setting in value["Values"].items():
                    if not isinstance(setting, str):
                        say(path, f"{key} is no text")


def google():
    of = schema("cloud-run-v1.json")
    for path in files("google-cloud", "service.yaml"):
        for document in documents(path):
            by_schema(path, document, of)
            known_keys(path, document, {"$ref": f"#/$defs/{document['kind']}"}, of, document["kind"])


def knative():
    crds = {}
    for name in ("service", "trigger", "pingsource"):
        crd = yaml.safe_load((schemas / f"knative-{name}-crd.yaml").read_text())
        for version in crd["spec"]["versions"]:
            key = (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"])
            crds[key] = version["schema"]["openAPIV3Schema"]
    for path in files("knative", "service.yaml"):
        for document in documents(path):
            of = crds.get((document["apiVersion"], document["kind"]))
            if of is None:
                if document["kind"] != "DomainMapping":
                    say(path, f"no schema for {document['apiVersion']} {document['kind']}")
                continue
            by_schema(path, document, of)
            for part in ("spec",):
                known_keys(path, document[part], of["properties"][part], of, document["kind"])


def kubernetes():
    import kubernetes_validate

    for name in ("deployment.yaml", "autoscaler.yaml", "ingress.yaml"):
        for path in files("kubernetes", name):
            for document in documents(path):
                try:
                    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
                except kubernetes_validate.ValidationError as error:
                    say(path, f"{document['kind']}: {error.message[:300]}")


def builtin(name, platform, pattern):
    from check_jsonschema.builtin_schemas import get_builtin_schema

    of = get_builtin_schema(name)
    for path in files(platform, pattern):
        for document in documents(path):
            by_schema(path, document, of)


def compose():
    builtin("vendor.compose-spec", "http", "compose.yaml")


def gateway():
    from openapi_spec_validator import OpenAPIV30SpecValidator

    for path in files("yandex", "gateway.yaml"):
        document = documents(path)[0]
        # A parameter for the rest of a path is Yandex's own sign.
        document["paths"] = {route.replace("+}", "}"): item for route, item in document["paths"].items()}
        for item in document["paths"].values():
            # The one word of Yandex's that stands in the place of a method.
            if "x-yc-apigateway-any-method" in item:
                item["get"] = item.pop("x-yc-apigateway-any-method")
        for error in OpenAPIV30SpecValidator(document).iter_errors():
            say(path, error.message[:300])


def run(program, platform, name, *options):
    """A program over many files at once; its words are passed on."""
    all_files = files(platform, name)
    for start in range(0, len(all_files), 200):
        part = all_files[start:start + 200]
        tool = Path(sys.executable).with_name(program)
        done = subprocess.run([tool, *options, *part], capture_output=True, text=True)
        if done.stderr and done.returncode not in (0, 1):
            sys.exit(done.stderr)
        for line in done.stdout.splitlines():
            print(line.replace(str(root) + "/", ""))


def docker():
    # DL3059 and others speak of style alone; what is wrong is at warning and above.
    run("hadolint", "*", "Dockerfile", "--failure-threshold", "warning", "--ignore", "DL3007")


def shell():
    run("shellcheck", "*", "deploy.sh", "--format", "gcc", "--severity", "warning")


# Where nobody publishes a schema: the keys of the vendor's own page.
PAGES = {
    "tencent": ("tencent-scf", "serverless.yml", "component name app stage inputs", {
        "inputs": "name src handler runtime region namespace description type memorySize timeout initTimeout role environment "
                  "vpcConfig cls publicAccess msgTTL retryNum events",
    }),
    "openfaas": ("openfaas", "stack.yml", "version provider functions", {
        "functions/*": "image skip_build environment secrets limits requests annotations labels constraints lang handler",
    }),
    "openwhisk": ("openwhisk", "manifest.yaml", "packages", {
        "packages/*": "actions triggers rules apis sequences inputs dependencies",
        "packages/*/actions/*": "function docker runtime main inputs outputs limits annotations web",
        "packages/*/actions/*/limits": "timeout memorySize logSize concurrentActivations codeSize parameterSize",
        "packages/*/triggers/*": "feed inputs annotations",
        "packages/*/rules/*": "trigger action",
    }),
    "fn": ("fn", "func.yaml", "schema_version name version runtime memory timeout idle_timeout config triggers", {
        "triggers/*": "name type source",
    }),
}


def pages():
    for platform, name, top, inner in PAGES.values():
        for path in files(platform, name):
            for document in documents(path):
                for key in document:
                    if key not in top.split():
                        say(path, f"{key} is no key of the page")
                for place, keys in inner.items():
                    for value in at(document, place.split("/")):
                        for key in value:
                            if key not in keys.split():
                                say(path, f"{place}/{key} is no key of the page")


def at(value, place):
    if not place:
        return [value] if value is not None else []
    if place[0] == "*":
        inner = value.values() if isinstance(value, dict) else value or []
    else:
        inner = [value.get(place[0])] if value else []
    return [found for one in inner for found in at(one, place[1:])]


class Model:
    """A class of a vendor's own client library that is the body of a call, or a part of one. It is read and never run, so
    that nothing which the library asks for has to be there."""

    TYPES = {"str": str, "int": int, "bool": bool}

    def __init__(self, name, folder):
        self.folder = folder
        file = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() + ".py"
        tree = ast.parse((folder / file).read_text())
        body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
        told = {node.targets[0].id: node.value for node in body if isinstance(node, ast.Assign)}
        types = ast.literal_eval(told.get("openapi_types") or told["swagger_types"])
        keys = ast.literal_eval(told["attribute_map"])
        self.types = {keys[field]: kind for field, kind in types.items()}
        # What has to be there is set without a condition.
        start = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
        set_at_once = {
            target.attr
            for node in start.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
            for target in node.targets if isinstance(target, ast.Attribute)
        }
        self.required = {key for field, key in keys.items() if field in set_at_once}

    def check(self, path, value, given=(), at=""):
        """`given` is what the script puts in."""
        for key in self.required - set(value) - set(given):
            say(path, f"{at}{key} is not there")
        for key, inner in value.items():
            if key in self.types:
                self.check_as(path, inner, self.types[key], f"{at}{key}")
            else:
                say(path, f"the call has no {at}{key}")

    def check_as(self, path, value, kind, at):
        if kind.startswith("list["):
            if not isinstance(value, list):
                say(path, f"{at} is no list")
                return
            for inner in value:
                self.check_as(path, inner, kind[5:-1], at)
        elif kind not in self.TYPES:
            Model(kind, self.folder).check(path, value, at=f"{at}/")
        elif type(value) is not self.TYPES[kind]:
            say(path, f"{at}: expected {kind}, found {value!r}")


def models(package):
    """The folder of a client library's models, in the environment that holds such libraries."""
    [folder] = schemas.glob(f"lib/python*/site-packages/{package}")
    return folder


def huawei():
    folder = models("huaweicloudsdkfunctiongraph/v2/model")
    for call, name in (
        ("CreateFunctionRequestBody", "function.json"),
        ("UpdateFunctionConfigRequestBody", "config.json"),
        ("CreateFunctionTriggerRequestBody", "trigger-*.json"),
    ):
        model = Model(call, folder)
        for path in files("huawei-functiongraph", name):
            model.check(path, json.loads(path.read_text()))


def vefaas():
    folder = models("volcenginesdkvefaas/models")
    for call, name, given in (
        ("CreateFunctionRequest", "function.json", ()),
        ("CreateTimerRequest", "timer-*.json", ("FunctionId",)),
        ("CreateKafkaTriggerRequest", "kafka-*.json", ("FunctionId", "MqInstanceId")),
    ):
        model = Model(call, folder)
        for path in files("vefaas", name):
            model.check(path, json.loads(path.read_text()), given)


def tencent():
    """The parameters of triggers, by the types that the vendor's own library of deployments declares of them."""
    declared = (schemas / "package/lib/modules/triggers/interface/index.d.ts").read_text()
    types = {"string": str, "number": int, "boolean": bool}
    for path in files("tencent-scf", "serverless.yml"):
        for event in documents(path)[0]["inputs"].get("events", []):
            for kind, trigger in event.items():
                found = re.search(rf"interface {kind.title()}TriggerInputsParams\b[^{{]*{{(.*?)^}}", declared, re.M | re.S)
                members = dict(re.findall(r"^  (\w+)\??: (.*?);?$", found[1] if found else "", re.M))
                for key, value in trigger["parameters"].items():
                    of = members.get(key, "")
                    # The library's own default of this number is a word.
                    if (kind, key, value) == ("ckafka", "offset", "latest"):
                        continue
                    if key not in members:
                        say(path, f"{kind} has no {key}")
                    elif of in types and type(value) is not types[of]:
                        say(path, f"{kind}/{key}: expected {of}, found {value!r}")
                    elif of.startswith("'") and f"'{value}'" not in of:
                        say(path, f"{kind}/{key}: expected {of}, found {value!r}")


def texts():
    """YAML that has its values as JSON beside it: readers of both versions see the same."""
    from ruamel.yaml import YAML

    for path in files("*", "*.yaml"):
        beside = path.with_suffix(".json")
        text = path.read_text()
        old = list(yaml.load_all(text, Loader=Loader))
        if beside.exists():
            expected = json.loads(beside.read_text())
            new = YAML(typ="safe", pure=True).load(text)
            for version, found in (("1.1", old[0]), ("1.2", new)):
                if found != expected:
                    say(path, f"YAML {version}: expected {str(expected)[:300]}, found {str(found)[:300]}")


globals()[kind]()
if not seen:
    sys.exit(f"there are no files for {kind} in {root}")
