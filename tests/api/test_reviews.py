from __future__ import annotations

import httpx


def test_reviews_are_added_and_read(client: httpx.Client, secret: str) -> None:
    """A batch is kept row by row: good reviews can be read, each bad one is named."""
    product_id = client.get("/v1/products?limit=1").json()["products"][0]["id"]
    reviews = [
        {"product_id": product_id, "rating": 5, "title": "Great", "reviewer": "Ana"},
        {"product_id": product_id, "rating": 7},
        {"rating": 3},
        {"product_id": product_id, "rating": 2, "stars": 1},
    ]
    headers = {"X-API-Key": secret}
    answer = client.post("/v1/reviews", json={"reviews": reviews}, headers=headers)
    body = answer.json()
    assert (answer.status_code, body["added"], body["known"]) == (200, 1, 0)
    assert [problem["field"] for problem in body["problems"]] == [
        "reviews.1.rating",
        "reviews.2",
        "reviews.3.stars",
    ]
    again = client.post("/v1/reviews", json={"reviews": reviews[:1]}, headers=headers).json()
    assert (again["added"], again["known"]) == (0, 1)
    read = client.get(f"/v1/products/{product_id}/reviews").json()
    assert (read["count"], read["rating"], read["stars"]["5"]) == (1, 5.0, 1)
    assert read["reviews"][0]["title"] == "Great"


def test_only_the_shop_adds_reviews(client: httpx.Client) -> None:
    """Without an admin key nothing is added."""
    body = {"reviews": [{"product_id": "MUG001", "rating": 5}]}
    assert client.post("/v1/reviews", json=body).status_code == 401


def test_reviews_of_no_product_are_not_found(client: httpx.Client) -> None:
    """An id that is not in the catalogue is answered with 404, a bad page with 422."""
    assert client.get("/v1/products/none/reviews").status_code == 404
    assert client.get("/v1/products/MUG001/reviews?limit=0").status_code == 422
