"""The routes, and the life of the parts behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from estate.core.errors import LeadloopError
from serving import endpoints, trainings
from serving.guard.guarded import Guarded
from serving.in_time import InTime
from serving.intake import routes as intake_routes
from serving.leads import matches
from serving.observed import Observed
from serving.problems import Problem, answer_http_error, answer_problem
from serving.process import Process
from serving.protocols import mlflow_scoring, open_inference
from serving.protocols.open_inference_errors import OpenInferenceErrors

ROUTES = (
    Route("/health/live", endpoints.live),
    Route("/health/ready", endpoints.ready),
    Route("/metrics", endpoints.metrics),
    Route("/docs", endpoints.docs),
    Route("/openapi.json", endpoints.openapi),
    Route("/v1/models", endpoints.list_models),
    Route("/v1/models/{model}", endpoints.show_model),
    Route("/v1/predictions/{id}", endpoints.show_prediction),
    Route("/v1/models/{model}/predict", endpoints.predict, methods=["POST"]),
    Route("/v1/leads/{lead}/matches", matches.show_matches),
    Route("/v1/outcomes", intake_routes.take_outcomes, methods=["POST"]),
    Route("/v1/facts/{kind}", intake_routes.take_facts, methods=["POST"]),
    Route("/v1/webhooks/crm", intake_routes.take_event, methods=["POST"]),
    Route("/v1/trainings/{model}", trainings.show_trainings),
    Route("/v1/trainings/{model}", trainings.ask_for_training, methods=["POST"]),
    *open_inference.ROUTES,
    *mlflow_scoring.ROUTES,
)


def build_app(process: Process) -> Starlette:
    """Return the ASGI application; it starts the process's parts and drains them at the end."""

    front = process.front

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        process.start()
        try:
            yield
        finally:
            await run_in_threadpool(process.close)

    app = Starlette(
        routes=list(ROUTES),
        lifespan=lifespan,
        middleware=[
            Middleware(OpenInferenceErrors),
            Middleware(Observed, metrics=process.metrics, request_log=front.request_log),
            Middleware(Guarded, guard=front.guard, metrics_open=front.metrics_open, refused=front.refused),
            Middleware(InTime, limits=front.limits),
        ],
        exception_handlers={
            Problem: answer_problem,
            LeadloopError: answer_problem,
            HTTPException: answer_http_error,
        },
    )
    app.state.process = process
    return app
