"""Photos as telephones send them."""

import io
from uuid import UUID

from PIL import Image

from hub.evidence import service as evidence
from hub.evidence.messages import NewPhoto
from hub.evidence.stores import Store
from hub.kit.ids import new_id
from hub.returns.messages import StoredReturn
from hub.sdk.photos import Subject

# Degrees, minutes and seconds of somewhere, under the tag for where a photo was taken.
LOCATION = {1: "N", 2: (52.0, 22.0, 26.0), 3: "E", 4: (4.0, 53.0, 22.0)}
ORIENTATION, MAKER, WHERE = 0x0112, 0x010F, 0x8825


def photo(*, size: tuple[int, int] = (64, 48), colour: str = "navy", kind: str = "JPEG", turned: int = 1) -> bytes:
    """Take a photo, its left half white, with all that a telephone writes beside the pixels."""
    picture = Image.new("RGB", size, colour)
    picture.paste("white", (0, 0, size[0] // 2, size[1]))
    tags = Image.Exif()
    tags[ORIENTATION], tags[MAKER] = turned, "Telephone of Ann"
    tags.get_ifd(WHERE).update(LOCATION)
    written = io.BytesIO()
    picture.save(written, kind, exif=tags)
    return written.getvalue()


async def taken(store: Store, warehouse_id: UUID, stored: StoredReturn | None = None) -> str:
    """Have a warehouse take a photo of a return, or of a parcel that nobody knows, and return what it is named by."""
    new = NewPhoto(
        key=str(new_id()), warehouse_id=warehouse_id, account_id=stored.account_id if stored else None,
        return_id=stored.id if stored else None, subject=Subject.PRODUCT, content=photo(), taken_at=None, by="test",
    )  # fmt: skip
    return str((await evidence.add(store, new)).id)
