"""A lookup as a Python function does it: what `make bench` holds ours against.

It does no more than the event of the bench asks for (one condition, no dates, no phone numbers), and
reads its secret from a file like the others, so that Secrets Manager does not count against it.
"""

import json
import os

import boto3
import requests

# As such functions do: made while the module is imported, whether or not this call needs it.
secrets = boto3.client("secretsmanager")
session = requests.Session()
token = None


def lambda_handler(event, context):
    global token
    parameters = dict(event["Details"]["Parameters"])
    if parameters.pop("sf_operation") != "lookup":
        raise ValueError("this function looks up, and nothing else")
    if token is None:
        token = login()
    fields, table = parameters.pop("sf_fields"), parameters.pop("sf_object")
    where = " AND ".join(f"{name}='{quoted(value)}'" for name, value in parameters.items())
    reply = session.get(
        f"{os.environ['SF_HOST']}/services/data/{os.environ['SF_VERSION']}/query",
        params={"q": f"SELECT {fields} FROM {table} WHERE {where}"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=8,
    )
    reply.raise_for_status()
    records = reply.json()["records"]
    found = {name: value for name, value in records[0].items() if name != "attributes"} if records else {}
    return {**found, "sf_count": len(records)}


def login():
    with open(os.environ["TIELINE_SECRET_FILE"], encoding="utf-8") as file:
        secret = json.load(file)
    reply = session.post(
        f"{os.environ['SF_HOST']}/services/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": secret["ConsumerKey"],
            "client_secret": secret["ConsumerSecret"],
        },
        timeout=8,
    )
    reply.raise_for_status()
    return reply.json()["access_token"]


def quoted(value):
    return str(value).replace("\\", "\\\\").replace("'", "\\'")
