"""The bundled simulator as a process of its own, and one request to it.

Its CPU and memory count for nobody: `os.wait4` of a measured command never sees it.
"""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import urllib.request

# The simulator's own, as it prints them; they sign tokens for simulated data only.
ACCOUNT = "6a1f0c2de4b58790a3c1d2e4"
STREAM = "st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13"
FIELDS = ["skills", "customerinfo", "userleveltags", "sessionleveltags", "campaigninfo"]
FIRST_DAY = "2026-03-02"


class Simulator:
    """Serves as long as the `with` lasts. `options` are those of `kore-lake simulate`."""

    def __init__(self, program, *options):
        self.command = [str(program), "simulate", "--bind", "127.0.0.1:0", *map(str, options)]
        if "--start" not in options:
            self.command += ["--start", FIRST_DAY]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        noted = ""
        while "KORE_LAKE_CLIENT_SECRET" not in noted:
            line = self.process.stderr.readline()
            if not line:
                raise RuntimeError(f"the simulator ended: {noted}")
            noted += line
        self.rows = int(re.search(r"serving (\d+)", noted)[1])
        self.client_id = re.search(r"CLIENT_ID='([^']+)'", noted)[1]
        self.client_secret = re.search(r"CLIENT_SECRET='([^']+)'", noted)[1]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    @property
    def environment(self):
        """What a client needs in its environment."""
        return {
            "KORE_LAKE_CLIENT_ID": self.client_id,
            "KORE_LAKE_CLIENT_SECRET": self.client_secret,
            "BENCH_URL": self.endpoint,
            "BENCH_TOKEN": self.token(),
            "BENCH_ACCOUNT": ACCOUNT,
            "BENCH_STREAM": STREAM,
        }

    @property
    def endpoint(self):
        return f"{self.url}/agentassist/api/public/analytics/account/{ACCOUNT}/v2/interactionDetails"

    def token(self):
        """A token that passes and never ends (HS256)."""
        part = lambda value: base64.urlsafe_b64encode(value).rstrip(b"=")
        claims = {"sub": self.client_id, "appId": self.client_id}
        signed = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + b"." + part(json.dumps(claims).encode())
        proof = hmac.new(self.client_secret.encode(), signed, hashlib.sha256).digest()
        return (signed + b"." + part(proof)).decode()

    def body(self, start, end):
        """The body of a request for what began from `start` to `end`, both included."""
        return {"startDate": start, "endDate": end, "timeZoneOffset": 0, "selectedFields": FIELDS}

    def page(self, start, end, offset):
        """The bytes of an answer."""
        request = urllib.request.Request(
            f"{self.endpoint}?limit=100&offset={offset}",
            data=json.dumps(self.body(start, end)).encode(),
            headers={"auth": self.token(), "accountId": ACCOUNT, "iId": STREAM, "content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return answer.read()


def served(program, records, days, seed=1):
    """Options of a simulator that serves at least `records` records of so many days, and hardly more: days differ in
    how full they are.
    """
    trial = 10_000
    with Simulator(program, "--seed", seed, "--days", days, "--per-day", trial) as simulator:
        per_day = -(-records * trial // simulator.rows) + days + 1
    return ["--days", days, "--per-day", per_day]
