#!/usr/bin/env bash
# Prints the folder with the JSON Schemas of Kubernetes' own types, by version, that the
# Python package kubernetes-validate ships.
set -euo pipefail
venv=$("$(dirname "${BASH_SOURCE[0]}")/venv.sh" kubernetes-validate kubernetes-validate==1.37.0)
echo "$venv"/lib/python3*/site-packages/kubernetes_validate/kubernetes-json-schema
