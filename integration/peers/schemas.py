"""Says of each document whether a JSON schema takes it: {"schema": …, "documents": […]} in, a list of booleans out."""

import json
import sys

from jsonschema import Draft202012Validator

told = json.load(sys.stdin)
Draft202012Validator.check_schema(told["schema"])
validator = Draft202012Validator(told["schema"])
json.dump([validator.is_valid(document) for document in told["documents"]], sys.stdout)
