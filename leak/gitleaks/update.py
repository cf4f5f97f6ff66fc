"""Writes rules.json from gitleaks' own rules, config/gitleaks.toml.

    python3 update.py "$(go env GOMODCACHE)/github.com/zricethezav/gitleaks/v8@v8.30.1/config/gitleaks.toml"

Rules about files of other kinds are left out, and so is what is allowed by path.
"""

import json
import sys
import tomllib
from pathlib import Path


def allowed(lists):
    for one in lists:
        if one.get("condition") == "AND" and "paths" in one:
            continue
        kept = {"target": one.get("regexTarget", ""), "patterns": one.get("regexes", []), "words": one.get("stopwords", [])}
        if kept["patterns"] or kept["words"]:
            yield {key: value for key, value in kept.items() if value}


def rule(one):
    kept = {
        "id": one["id"],
        "what": one["description"],
        "pattern": one["regex"],
        "group": one.get("secretGroup", 0),
        "entropy": one.get("entropy", 0),
        "keywords": sorted({word.lower() for word in one["keywords"]}),
        "allowed": list(allowed(one.get("allowlists", []))),
    }
    return {key: value for key, value in kept.items() if value}


def main():
    config = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    out = {
        "allowed": list(allowed([config["allowlist"]])),
        "rules": [rule(one) for one in config["rules"] if "path" not in one],
    }
    file = Path(__file__).with_name("rules.json")
    file.write_text(json.dumps(out, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(len(out["rules"]), "rules")


main()
