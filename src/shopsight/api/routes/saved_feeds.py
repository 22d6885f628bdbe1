"""Feeds that the shop keeps: their file, their pictures, how they are read, and a look at them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath

from shopsight.api.models import JobAnswer
from shopsight.api.models_saved_feeds import (
    CheckAnswer,
    PicturesAnswer,
    PreviewAnswer,
    SavedFeedAnswer,
    SavedFeedBody,
    SavedFeedList,
)
from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.api.routes.feeds import check_format
from shopsight.api.uploads import body_file
from shopsight.catalog.saved_feeds import SavedFeed
from shopsight.wiring.feed_shelf import FeedShelf

FeedKey = Annotated[
    str, InPath(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", examples=["catalog"], max_length=64)
]
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def router(parts: Parts) -> APIRouter:
    """Routes for kept feeds."""
    routes = APIRouter(tags=["feeds"], dependencies=[Depends(parts.gate.admin())])
    shelf = FeedShelf(parts.shop.settings, parts.shop.database)
    _add_feeds(routes, parts, shelf)
    _add_uploads(routes, parts, shelf)
    _add_looks(routes, parts, shelf)
    return routes


def _add_feeds(routes: APIRouter, parts: Parts, shelf: FeedShelf) -> None:
    @routes.get("/v1/feeds", summary="List kept feeds", responses=problems(401, 403))
    async def list_feeds() -> SavedFeedList:
        found = await parts.lookups.run(shelf.store.all)
        return SavedFeedList(feeds=[SavedFeedAnswer.of(feed) for feed in found])

    @routes.put(
        "/v1/feeds/{feed_id}",
        summary="Keep a feed, or change how it is read",
        description="With `url`, it is on the web; without, it is the file that was uploaded.",
        responses=problems(401, 403, 415, 422),
        openapi_extra=body_schema(SavedFeedBody),
    )
    async def put_feed(request: Request, feed_id: FeedKey) -> SavedFeedAnswer:
        body = await read_json(request, SavedFeedBody, parts.lookups)
        check_format(body.format)

        def save() -> SavedFeed:
            known = {feed.id: feed for feed in shelf.store.all()}.get(feed_id)
            values = body.model_dump(mode="json") | {"url": str(body.url or "")}
            file = known.file if known and not body.url else ""
            feed = SavedFeed.model_validate(values | {"id": feed_id, "file": file})
            shelf.store.save(feed)
            return feed

        return SavedFeedAnswer.of(await parts.lookups.run(save))

    @routes.delete(
        "/v1/feeds/{feed_id}",
        summary="Forget a kept feed",
        description="Its products stay, with their pictures; pictures of no product are deleted.",
        status_code=204,
        response_class=Response,
        responses=problems(401, 403, 404),
    )
    async def delete_feed(feed_id: FeedKey) -> Response:
        await parts.lookups.run(shelf.delete, feed_id)
        return Response(status_code=204)

    @routes.post(
        "/v1/feeds/{feed_id}/jobs",
        summary="Index a kept feed",
        status_code=202,
        responses=problems(401, 403, 404),
    )
    async def index_feed(request: Request, response: Response, feed_id: FeedKey) -> JobAnswer:
        feed = await parts.lookups.run(shelf.store.get, feed_id)
        name = feed.url or feed.file
        job = await parts.lookups.run(parts.runner.submit, {"feed": feed_id, "name": name})
        response.headers["Location"] = f"{request.scope.get('root_path', '')}/v1/jobs/{job.id}"
        return JobAnswer.of(job)


def _add_uploads(routes: APIRouter, parts: Parts, shelf: FeedShelf) -> None:
    @routes.put(
        "/v1/feeds/{feed_id}/file",
        summary="Upload the file of a kept feed",
        description="The body is the file. A feed that is not kept yet is from now on.",
        responses=problems(401, 403, 413, 422),
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}
        },
    )
    async def put_file(
        request: Request,
        feed_id: FeedKey,
        name: Annotated[str, Query(max_length=200, description="Name of the file.")] = "feed",
    ) -> SavedFeedAnswer:
        async with body_file(request, parts.runner.uploads) as path:
            feed = await parts.writes.run(shelf.put_file, feed_id, path, name)
        return SavedFeedAnswer.of(feed)

    @routes.put(
        "/v1/feeds/{feed_id}/pictures",
        summary="Upload the pictures of a kept feed",
        description=(
            "The body is a ZIP archive of the files that the feed names. Pictures that were sent "
            "before stay, unless they are replaced."
        ),
        responses=problems(401, 403, 404, 413, 422),
        openapi_extra={"requestBody": {"required": True, "content": {"application/zip": _BINARY}}},
    )
    async def put_pictures(request: Request, feed_id: FeedKey) -> PicturesAnswer:
        feed = await parts.lookups.run(shelf.store.get, feed_id)
        async with body_file(request, parts.runner.uploads) as path:
            done = await parts.writes.run(shelf.put_pictures, feed, path)
        return PicturesAnswer(kept=done.kept, left_out=done.left_out, reasons=done.reasons)


def _add_looks(routes: APIRouter, parts: Parts, shelf: FeedShelf) -> None:
    @routes.get(
        "/v1/feeds/{feed_id}/preview",
        summary="The beginning of a kept feed, and how it would be read",
        responses=problems(401, 403, 404, 422),
    )
    async def preview(feed_id: FeedKey) -> PreviewAnswer:
        feed = await parts.lookups.run(shelf.store.get, feed_id)
        found, pictures = await parts.writes.run(shelf.preview, feed)
        return PreviewAnswer.of(found, pictures)

    @routes.get(
        "/v1/feeds/{feed_id}/check",
        summary="What is in a kept feed, and what is wrong with it",
        description="Reads all of it, and indexes nothing.",
        responses=problems(401, 403, 404, 422),
    )
    async def check(feed_id: FeedKey) -> CheckAnswer:
        feed = await parts.lookups.run(shelf.store.get, feed_id)
        summary, pictures = await parts.writes.run(shelf.check, feed)
        return CheckAnswer(feed=summary, pictures=pictures)
