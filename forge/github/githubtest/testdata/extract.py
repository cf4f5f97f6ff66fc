"""Takes out of GitHub's own descriptions what the tests hold us to:

    npm pack @octokit/openapi@23.0.2 @octokit/graphql-schema@15.26.1 @octokit/webhooks-examples@7.6.1
    for f in octokit-*.tgz; do mkdir ${f%.tgz}; tar xzf $f -C ${f%.tgz}; done
    python3 extract.py octokit-openapi-23.0.2 octokit-graphql-schema-15.26.1 octokit-webhooks-examples-7.6.1

writes openapi.json.gz (the calls that we make, as JSON Schema, with an example of
each answer), schema.graphql.gz and webhooks.json.gz beside itself.
"""
import gzip, json, pathlib, re, sys

CALLS = """
GET /app
GET /app/installations
POST /app/installations/{installation_id}/access_tokens
GET /installation/repositories
GET /orgs/{org}/installation
GET /orgs/{org}/teams/{team_slug}/members
GET /repos/{owner}/{repo}
GET /repos/{owner}/{repo}/collaborators/{username}/permission
GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls
GET /repos/{owner}/{repo}/commits/{ref}/check-runs
GET /repos/{owner}/{repo}/commits/{ref}/statuses
GET /repos/{owner}/{repo}/git/matching-refs/{ref}
GET /repos/{owner}/{repo}/installation
GET /repos/{owner}/{repo}/issues/{issue_number}/comments
POST /repos/{owner}/{repo}/issues/{issue_number}/comments
PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}
POST /repos/{owner}/{repo}/issues/{issue_number}/labels
DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}
GET /repos/{owner}/{repo}/pulls
GET /repos/{owner}/{repo}/pulls/{pull_number}/files
POST /repos/{owner}/{repo}/check-runs
PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}
POST /repos/{owner}/{repo}/statuses/{sha}
GET /user/repos
""".split("\n")

here = pathlib.Path(__file__).parent


def resolve(doc, node):
    while isinstance(node, dict) and "$ref" in node:
        at = doc
        for part in node["$ref"].split("/")[1:]:
            at = at[part]
        node = at
    return node


def schema(doc, node, used):
    """Turns a schema of OpenAPI 3.0 into one of JSON Schema, and notes what it refers to."""
    if isinstance(node, list):
        return [schema(doc, n, used) for n in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].split("/")[-1]
        if name not in used:
            used[name] = None
            used[name] = schema(doc, resolve(doc, node), used)
        return {"$ref": "#/$defs/" + name}
    if [n.get("title") for n in node.get("allOf", [])] == ["Simple User", "Enterprise"]:
        node = {"anyOf": node["allOf"], "nullable": node.get("nullable")}  # a mistake there: nothing is both
    out = {}
    for key, value in node.items():
        if key in ("description", "example", "examples", "title", "externalDocs", "format", "default", "deprecated", "nullable") or key.startswith("x-"):
            continue
        if key == "properties":
            out[key] = {k: schema(doc, v, used) for k, v in value.items()}
        else:
            out[key] = value if key in ("enum", "required", "type") else schema(doc, value, used)
    if node.get("nullable"):
        if "enum" in out:
            out["enum"] = out["enum"] + [None]
        out = {"anyOf": [out, {"type": "null"}]}
    return out


def main(openapi, graphql, webhooks):
    doc = json.load(open(openapi + "/package/generated/api.github.com.json"))
    used, calls = {}, {}
    for call in filter(None, CALLS):
        method, path = call.split(" ")
        op = doc["paths"][path][method.lower()]
        entry = {"query": [], "answers": {}}
        for p in op.get("parameters", []) + doc["paths"][path].get("parameters", []):
            p = resolve(doc, p)
            if p["in"] == "query":
                entry["query"].append(p["name"])
        if "requestBody" in op:
            entry["body"] = schema(doc, resolve(doc, op["requestBody"])["content"]["application/json"]["schema"], used)
        for status, answer in op["responses"].items():
            content = resolve(doc, answer).get("content", {}).get("application/json")
            if not content or not status.startswith("2"):
                entry["answers"][status] = {}
                continue
            examples = [resolve(doc, e)["value"] for e in content.get("examples", {}).values()]
            entry["answers"][status] = {"schema": schema(doc, content["schema"], used), "example": examples[0] if examples else None}
        calls[call] = entry
    write("openapi.json.gz", json.dumps({"calls": calls, "$defs": used}, sort_keys=True).encode())
    write("schema.graphql.gz", once(open(graphql + "/package/schema.graphql").read()).encode())
    examples = {}
    for event in json.load(open(webhooks + "/package/api.github.com/index.json")):
        examples[event["name"]] = event["examples"]
    write("webhooks.json.gz", json.dumps(examples, sort_keys=True).encode())


def once(text):
    """Drops the descriptions, and the second of two definitions of a field, which the schema has one of."""
    text = re.sub(r'[ \t]*""".*?"""\n', "", text, flags=re.S)
    seen, out, skip = set(), [], None
    for line in text.split("\n"):
        if re.match(r"\S", line):
            seen, skip = set(), None
        field = re.match(r"  (\w+)(\(|: )", line)
        if field and line.startswith("  ") and not line.startswith("   "):
            skip = field[1] if field[1] in seen else None
            seen.add(field[1])
        if skip is None or line.startswith("}"):
            out.append(line)
    return "\n".join(out)


def write(name, data):
    (here / name).write_bytes(gzip.compress(data, 9, mtime=0))
    print(name, len(data))


main(*sys.argv[1:])
