"""Ray Serve with ONNX Runtime: one replica a core, with or without its request batching."""

# mypy: ignore-errors
# ruff: noqa: E402, D101, D102 - a script that stands for one of somebody else's

import os
import signal
from pathlib import Path

FOLDER = Path(os.environ["BENCH_FOLDER"])
WORKERS = int(os.environ["BENCH_WORKERS"])
for name, place in {"CONFIG_FILE_LOC": "cfg", "SOCKET_PATH": "s", "SERVER_STATE_FILE": "state"}.items():
    os.environ[f"RAY_SERVE_HAPROXY_{name}"] = str(FOLDER / place)  # short: a socket's path may have 97 bytes
os.environ["RAY_SERVE_HAPROXY_SERVER_STATE_BASE"] = str(FOLDER)
os.environ["RAY_SERVE_HAPROXY_NBTHREAD"] = str(WORKERS)

import numpy as np
import onnxruntime
import ray
from ray import serve
from starlette.requests import Request

COLUMNS = [f"signal_{number:02d}" for number in range(28)]
BATCHING = os.environ["BENCH_BATCHING"] == "1"


@serve.deployment(num_replicas=WORKERS, max_ongoing_requests=1024, ray_actor_options={"num_cpus": 0.5})
class Deals:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(FOLDER / "plain.onnx", options)

    def score(self, rows):
        return self.session.run(["probabilities"], {"input": np.array(rows, dtype=np.float32)})[0][
            :, 1
        ].tolist()

    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0.001)
    async def score_together(self, rows):
        return self.score(rows)

    async def __call__(self, request: Request):
        deal = await request.json()
        row = [deal[name] for name in COLUMNS]
        return {"score": await self.score_together(row) if BATCHING else self.score([row])[0]}


if __name__ == "__main__":
    ray.init(
        address="local",
        num_cpus=WORKERS,
        include_dashboard=False,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
        _temp_dir=str(FOLDER / "r"),  # short: sockets go there
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["BENCH_PORT"])})
    serve.run(Deals.bind(), route_prefix="/predict", logging_config={"enable_access_log": False})
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
