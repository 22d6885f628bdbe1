"""The command that searches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shopsight.cli.common import (
    DataOption,
    FilterOption,
    JsonOption,
    open_shop,
    pairs,
    price_text,
    print_json,
    print_table,
)
from shopsight.cli.photos import FocusOption
from shopsight.search.choices import Cutoff, GroupBy, Sort
from shopsight.search.focus import Focus

if TYPE_CHECKING:
    from shopsight.search.query import Facet, Hit, SearchResult
    from shopsight.wiring import SearchOptions, Shop

VIDEOS = (".mp4", ".webm", ".mov", ".m4v", ".gif")


PhotosArgument = Annotated[
    list[Path] | None,
    typer.Argument(help="A photo, several photos of one thing, or a video.", metavar="PHOTO..."),
]
TextOption = Annotated[str, typer.Option("--text", "-t", help="Words, alone or beside a photo.")]
NotOption = Annotated[
    str, typer.Option("--not", help="Words for what is not wanted.", metavar="TEXT")
]
LikeOption = Annotated[
    str, typer.Option(help="Id of a product to find similar ones to.", metavar="ID")
]
BoxOption = Annotated[
    str, typer.Option(help="Part of the photo: x1,y1,x2,y2 as fractions.", metavar="BOX")
]
RegionsOption = Annotated[
    bool | None,
    typer.Option("--regions/--no-regions", help="Whether to look for the main subject."),
]
LimitOption = Annotated[int, typer.Option(min=1, max=1000, help="Hits.")]
OffsetOption = Annotated[int, typer.Option(min=0, help="Hits to skip.")]
SortOption = Annotated[Sort, typer.Option(help="Order of the hits.")]
GroupByOption = Annotated[GroupBy, typer.Option(help="What a hit stands for.")]
FacetOption = Annotated[
    list[str] | None, typer.Option("--facet", help="Field to count values of. Repeatable.")
]
BoostOption = Annotated[
    list[str] | None,
    typer.Option("--boost", help="Score term, such as availability=0.1. Repeatable."),
]
CutoffOption = Annotated[Cutoff, typer.Option(help="Where the ranking ends.")]
ExplainOption = Annotated[
    Path | None,
    typer.Option(help="Folder for pictures that show why each hit matched.", metavar="FOLDER"),
]


def search(
    context: typer.Context,
    photos: PhotosArgument = None,
    text: TextOption = "",
    negative: NotOption = "",
    like: LikeOption = "",
    box: BoxOption = "",
    regions: RegionsOption = None,
    where: FilterOption = "",
    limit: LimitOption = 10,
    offset: OffsetOption = 0,
    focus: FocusOption = Focus.BALANCED,
    sort: SortOption = Sort.RELEVANCE,
    group_by: GroupByOption = GroupBy.PRODUCT,
    facets: FacetOption = None,
    boosts: BoostOption = None,
    cutoff: CutoffOption = Cutoff.NONE,
    explain: ExplainOption = None,
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Find products by photo, video, words, or photo and words."""
    if not (photos or text.strip() or like):
        raise typer.BadParameter("give a PHOTO, --text or --like")
    options: SearchOptions = {
        "negative_text": negative,
        "product_id": like,
        "where": where,
        "limit": limit,
        "offset": offset,
        "focus": focus,
        "sort": sort,
        "group_by": group_by,
        "facets": facets or [],
        "boosts": _weights(boosts or []),
        "cutoff": cutoff,
        "explain": explain is not None,
    }
    if box:
        options["box"] = _numbers(box)
    if regions is not None:
        options["regions"] = regions
    with open_shop(context, data) as shop:
        result = _found(shop, photos or [], text, options)
        if explain is not None:
            _write_explanations(shop, photos or [], result, options, explain)
    if json_output:
        print_json(result_json(result))
    else:
        title = ", ".join([*map(str, photos or []), *filter(None, [text, like])])
        print_result(title, result)


def _found(shop: Shop, photos: list[Path], text: str, options: SearchOptions) -> SearchResult:
    if len(photos) == 1 and photos[0].suffix.lower() in VIDEOS:
        return shop.search_video(photos[0], text, **options)
    return shop.search(photos or None, text, **options)


def _write_explanations(
    shop: Shop, photos: list[Path], result: SearchResult, options: SearchOptions, folder: Path
) -> None:
    if not photos or photos[0].suffix.lower() in VIDEOS:
        raise typer.BadParameter("--explain needs photos")
    found = shop.explain(
        photos, result, box=options.get("box"), focus=options.get("focus", Focus.BALANCED)
    )
    folder.mkdir(parents=True, exist_ok=True)
    for rank, hit in enumerate(result.hits, 1):
        why = found[hit.product.id]
        name = "".join(c if c.isalnum() or c in "-_" else "_" for c in hit.product.id)
        (folder / f"{rank:02}-{name}-photo.png").write_bytes(why.photo_overlay)
        (folder / f"{rank:02}-{name}-product.png").write_bytes(why.product_overlay)
    typer.echo(f"{2 * len(result.hits)} pictures written to {folder}.", err=True)


def _weights(given: list[str]) -> dict[str, float]:
    found = {}
    for name, value in pairs(given, "--boost").items():
        try:
            found[name] = float(value)
        except ValueError:
            raise typer.BadParameter(f"--boost {name}={value}: {value!r} is no number") from None
    return found


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"--box {text!r} is not of the form x1,y1,x2,y2") from None


def result_json(result: SearchResult) -> dict[str, object]:
    """A search result as plain values."""
    return {
        "query_id": result.query_id,
        "total": result.total,
        "no_match": result.no_match,
        "timings_ms": dict(result.timings_ms),
        "objects": [
            {"box": list(one.box), "confidence": round(one.confidence, 4), "searched": one.searched}
            for one in result.objects
        ],
        "chips": [
            {"id": chip.id, "kind": chip.kind, "label": chip.label, "text": chip.text}
            for chip in result.chips
        ],
        "facets": {facet.field: _facet_json(facet) for facet in result.facets},
        "hits": [_hit_json(hit) for hit in result.hits],
    }


def _facet_json(facet: Facet) -> list[dict[str, object]]:
    return [
        {"value": one.value, "count": one.count}
        if one.low is None
        else {"low": one.low, "high": one.high, "count": one.count}
        for one in facet.values
    ]


def _hit_json(hit: Hit) -> dict[str, object]:
    return {
        "score": round(hit.score, 6),
        "confidence": None if hit.confidence is None else round(hit.confidence, 4),
        "match": hit.match.value,
        "terms": {name: round(value, 6) for name, value in hit.terms.items()},
        "image_link": hit.image_link,
        **({} if hit.seen_at_s is None else {"seen_at_s": hit.seen_at_s}),
        "product": hit.product.model_dump(mode="json", exclude_defaults=True),
    }


def print_result(title: str, result: SearchResult) -> None:
    """Print a search result as a table."""
    if result.chips:
        typer.echo("Understood: " + ", ".join(chip.label for chip in result.chips))
    if result.no_match:
        typer.echo("Nothing here is what the photo shows. Similar products:")
    timed = any(hit.seen_at_s is not None for hit in result.hits)
    print_table(
        f"{title}  ({result.timings_ms['total']:.0f} ms)",
        {
            "": "right",
            "product": "left",
            "title": "left",
            "price": "right",
            "availability": "left",
            "seen at" if timed else "match": "right" if timed else "left",
            "score": "right",
        },
        [
            [
                str(rank),
                hit.product.id,
                hit.product.title,
                price_text(hit.product.current_price),
                (hit.product.availability or "-").replace("_", " "),
                f"{hit.seen_at_s:.1f} s" if hit.seen_at_s is not None else _match_text(hit),
                f"{hit.score:.3f}",
            ]
            for rank, hit in enumerate(result.hits, start=1)
        ],
    )
    for facet in result.facets:
        values = ", ".join(
            f"{one.value or f'{one.low:g}-{one.high:g}'} ({one.count})" for one in facet.values
        )
        typer.echo(f"{facet.field}: {values}")


def _match_text(hit: Hit) -> str:
    if hit.confidence is None:
        return "-"
    return f"{hit.match.value.replace('_', ' ')} {hit.confidence:.0%}"
