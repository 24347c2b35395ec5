"""Pictures as a list of shapes, written as SVG, or as PNG by Pillow: no browser, no window, the same every time."""

import io
import itertools
import math
from dataclasses import dataclass, field
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from admf.errors import ConfigError
from admf.results.store import write_bytes, write_text

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

INK, SOFT, FAINT, PAPER = "#1d2733", "#66717f", "#d5dbe2", "#ffffff"
BLUE, RED, GREY = "#2563ab", "#b3312c", "#9aa5b1"
KINDS = (".svg", ".png")
FONT = "DejaVuSans.ttf"  # where the system has it; the font within Pillow knows Western letters alone
SCALE = 2  # pixels of a PNG for one of the picture
FINER = 2  # drawn so much larger, then made smaller: smooth lines
CHARACTER = 0.58  # width of a character by its size, about
ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}

Point = tuple[float, float]


class Drawable(Protocol):
    """What can be saved as a picture."""

    def svg(self) -> str:
        """The picture as text."""

    def png(self) -> bytes:
        """The picture as a file."""


@dataclass(frozen=True)
class Line:
    """Points joined by straight lines; `dash` in pixels, 0 for a whole line."""

    points: tuple[Point, ...]
    colour: str
    width: float
    dash: float

    def svg(self) -> str:
        """As an element."""
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)
        dash = f' stroke-dasharray="{self.dash:g}"' if self.dash else ""
        style = f'fill="none" stroke="{self.colour}" stroke-width="{self.width:g}" stroke-linejoin="round"{dash}'
        return f'<polyline points="{points}" {style}/>'

    def draw(self, canvas: "ImageDraw", scale: int) -> None:
        """Onto pixels."""
        width = max(1, round(self.width * scale))
        for points in dashes(self.points, self.dash) if self.dash else [self.points]:
            canvas.line([(x * scale, y * scale) for x, y in points], fill=self.colour, width=width, joint="curve")


@dataclass(frozen=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str

    def svg(self) -> str:
        """As an element."""
        place = f'x="{self.x:.1f}" y="{self.y:.1f}" width="{self.width:.1f}" height="{self.height:.1f}"'
        return f'<rect {place} fill="{self.colour}"/>'

    def draw(self, canvas: "ImageDraw", scale: int) -> None:
        """Onto pixels."""
        right, bottom = (self.x + self.width) * scale - 1, (self.y + self.height) * scale - 1
        if right >= self.x * scale and bottom >= self.y * scale:
            canvas.rectangle((self.x * scale, self.y * scale, right, bottom), fill=self.colour)


@dataclass(frozen=True)
class Dot:
    """A disc with a white rim, or only its rim in colour where it is hollow."""

    x: float
    y: float
    radius: float
    colour: str
    hollow: bool

    def svg(self) -> str:
        """As an element."""
        fill, rim = (PAPER, self.colour) if self.hollow else (self.colour, PAPER)
        return f'<circle cx="{self.x:.1f}" cy="{self.y:.1f}" r="{self.radius:g}" fill="{fill}" stroke="{rim}"/>'

    def draw(self, canvas: "ImageDraw", scale: int) -> None:
        """Onto pixels."""
        fill, rim = (PAPER, self.colour) if self.hollow else (self.colour, PAPER)
        x, y, reach = self.x * scale, self.y * scale, (self.radius + 0.5) * scale
        canvas.ellipse((x - reach, y - reach, x + reach, y + reach), fill=fill, outline=rim, width=scale)


@dataclass(frozen=True)
class Words:
    """A line of text whose base line is at `y`."""

    x: float
    y: float
    text: str
    size: float
    anchor: str  # start, middle, end
    colour: str

    def svg(self) -> str:
        """As an element."""
        anchor = f' text-anchor="{self.anchor}"' if self.anchor != "start" else ""
        place = f'x="{self.x:.1f}" y="{self.y:.1f}"'
        return f'<text {place} font-size="{self.size:g}" fill="{self.colour}"{anchor}>{escape(self.text)}</text>'

    def draw(self, canvas: "ImageDraw", scale: int) -> None:
        """Onto pixels."""
        place = (self.x * scale, self.y * scale)
        canvas.text(place, self.text, fill=self.colour, font=font_of(self.size * scale), anchor=ANCHORS[self.anchor])


@dataclass
class Picture:
    """A white sheet of so many pixels; shapes lie over those that came before."""

    width: float
    height: float
    shapes: list[Line | Box | Dot | Words] = field(default_factory=list)

    def line(self, *points: Point, colour: str = INK, width: float = 1.0, dash: float = 0.0) -> None:
        """Draws a line through points."""
        self.shapes.append(Line(points, colour, width, dash))

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fills a rectangle."""
        self.shapes.append(Box(x, y, width, height, colour))

    def dot(self, x: float, y: float, colour: str, radius: float = 3.5, *, hollow: bool = False) -> None:
        """Sets a mark."""
        self.shapes.append(Dot(x, y, radius, colour, hollow))

    def text(
        self, x: float, y: float, text: str, *, size: float = 12.0, anchor: str = "start", colour: str = INK
    ) -> None:
        """Writes one line."""
        self.shapes.append(Words(x, y, text, size, anchor, colour))

    def svg(self) -> str:
        """The picture as text."""
        size = f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}" height="{self.height:g}"'
        shapes = "\n".join(shape.svg() for shape in self.shapes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="DejaVu Sans, Segoe UI, sans-serif">\n'
            f'<rect width="{self.width:g}" height="{self.height:g}" fill="{PAPER}"/>\n{shapes}\n</svg>\n'
        )

    def png(self) -> bytes:
        """The picture as a file, at twice its size; ConfigError where Pillow is not installed."""
        require_pillow()
        from PIL import Image, ImageDraw

        scale = SCALE * FINER
        sheet = Image.new("RGB", (round(self.width * scale), round(self.height * scale)), PAPER)
        canvas = ImageDraw.Draw(sheet)
        for shape in self.shapes:
            shape.draw(canvas, scale)
        written = io.BytesIO()
        sheet.reduce(FINER).save(written, "PNG", optimize=True)
        return written.getvalue()


def save_picture(picture: Drawable, path: str | Path) -> Path:
    """Writes a picture as .svg or .png, whole or not at all; ConfigError for other kinds, OutputError if refused."""
    place = check_kind(Path(path))
    return write_text(place, picture.svg()) if place.suffix.lower() == ".svg" else write_bytes(place, picture.png())


def check_kind(path: Path) -> Path:
    """The path of a picture; ConfigError where it is of no kind that can be written."""
    if path.suffix.lower() not in KINDS:
        raise ConfigError("not a kind of picture", field="path", found=str(path), allowed=", ".join(KINDS))
    return path


def check_drawable(path: Path) -> None:
    """Refuses before anything runs what `Picture` could not write after it."""
    if check_kind(path).suffix.lower() == ".png":
        require_pillow()


def require_pillow() -> None:
    """ConfigError where Pillow is not installed."""
    if find_spec("PIL") is None:
        remedy = 'pip install "admf-engine[pictures]", or save it as .svg'
        raise ConfigError("PNG needs Pillow, which is not installed", field="path", remedy=remedy)


def font_of(size: float) -> Any:
    """The font in pixels."""
    from PIL import ImageFont

    try:
        return ImageFont.truetype(FONT, size)
    except OSError:
        return ImageFont.load_default(size)


def dashes(points: tuple[Point, ...], dash: float) -> list[tuple[Point, Point]]:
    """The drawn pieces of a broken line, `dash` long with holes as long."""
    pieces = []
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        count = max(1, round(length / dash))
        ends = [(x0 + (x1 - x0) * part / count, y0 + (y1 - y0) * part / count) for part in range(count + 1)]
        pieces += list(itertools.pairwise(ends))[::2]
    return pieces


def text_width(text: str, size: float) -> float:
    """Pixels that a text takes, about."""
    return len(text) * size * CHARACTER
