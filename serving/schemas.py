"""What the interface's answers look like, for `/openapi.json`; nothing is converted by these."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from pose_activity.serving.problems import MEDIA_TYPE

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="All of it as sentences.")
    rule: str = Field(description="What is allowed.")
    received: str | None = Field(description="What came.")
    next: str | None = Field(description="What to do about it.")


class Person(BaseModel):
    """Somebody who was found."""

    box: list[float] = Field(description="x1, y1, x2, y2 in pixels.")
    score: float
    keypoints: dict[str, list[float]] = Field(description="Joint -> x, y in pixels, confidence.")


class Record(BaseModel):
    """One row: what the model says of a picture, a person, or a video's frame."""

    image: str = Field(description="The file, by the name that it was sent with.")
    frame: int | None
    seconds: float | None
    status: Literal["ok", "nobody", "error"]
    activity: str | None = Field(description='The most probable class, or "unknown".')
    probability: float | None
    probabilities: dict[str, float] | None
    person: int | None
    box: list[float] | None
    people: list[Person] | None
    error: str | None
    note: str | None
    explanation: str | None = Field(
        None, description="With explain=true: where the classifier looked, a PNG as a data: URL."
    )


class JobFiles(BaseModel):
    """Where a finished job's files are."""

    rows_csv: str
    rows_jsonl: str
    gallery: str
    drawn: str
    tracks: str | None


class JobDetails(BaseModel):
    """A video that is worked on."""

    id: str
    name: str
    state: JobState
    place: int | None = Field(description="Place in the queue, from 1; null once its turn came.")
    done: int = Field(description="Frames that were looked at.")
    of: int = Field(description="Frames that its header promises; 0 if it does not say.")
    rows: int
    error: str | None
    drawing: JobState | None = Field(description="State of its drawings; null: not asked for.")
    expires: str | None = Field(description="When its files are deleted.")
    files: JobFiles | None


class Limits(BaseModel):
    """What is taken."""

    bytes: int
    seconds: float
    picture_pixels: int
    frame_pixels: int
    queue: int
    keep_seconds: float


class OnDevice(BaseModel):
    """Whether a browser can answer by itself."""

    offered: bool
    why_not: str | None = Field(description="Why it is not offered.")
    bytes: int | None = Field(description="Of the graphs that it has to load.")


class ModelDetails(BaseModel):
    """The model that answers here."""

    name: str
    kind: str
    takes: Literal["pictures", "videos"]
    rows: Literal["picture", "person"] = Field(description="What a row is about.")
    identifies_people: bool
    hides_faces: bool = Field(description="Whether drawings show no faces.")
    classes: list[str]
    joints: list[str]
    bones: list[tuple[str, str]]
    unknown_below: float
    digests: dict[str, str] = Field(description="Stage -> sha256 of its graph.")
    engine: str
    precision: str
    notes: list[str]
    licence: str
    source_url: str
    version: str
    limits: Limits
    on_device: OnDevice


class DeviceModel(BaseModel):
    """What is done around the graphs in a browser; see `inference/on_device.py`."""

    format: int
    graphs: dict[str, dict[str, str | int]] = Field(description="Stage -> file, sha256, bytes.")
    pose: dict[str, Any] | None
    recipe: dict[str, Any] | None = Field(description="Of pictures; null: joints are sent.")
    longest_side: int = Field(description="Of the frames that are looked at, in pixels.")
    gate: dict[str, float] = Field(description="Limits that the sample's answers must keep.")
    sample: dict[str, Any]


class Examples(BaseModel):
    """Files that visitors may try."""

    examples: list[str]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the errors of a route, for its documentation."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in statuses}


_MEANINGS = {
    400: "No body, or a host that this server is not called by",
    401: "The token is missing or wrong",
    403: "Another page's origin",
    404: "There is no such thing",
    408: "The body stopped coming",
    409: "The job has not ended, or not well",
    413: "The body is too large",
    415: "Neither a picture nor a video that is read",
    422: "A damaged or too large picture or video, or an option that does not fit the model",
    503: "The queue is full",
    507: "The disk is full",
}
