#!/usr/bin/env bash
# Prints the path of the real AWS CLI, with which tests confirm what Slipway did.
set -euo pipefail
echo "$("$(dirname "${BASH_SOURCE[0]}")/venv.sh" awscli 'awscli==1.46.3')/bin/aws"
