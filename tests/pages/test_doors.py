"""The demonstration's ways in: each role has a link that signs in, and lands where that role works."""

from collections.abc import Callable
from io import StringIO
from urllib.parse import urlsplit

from rich.console import Console

from hub.demo import doors
from hub.demo.driver import Place
from hub.demo.plan import merchants
from tenants.messages import NewPartner, Role
from tenants.people import engine
from tenants.service import create_partner
from tests.pages.visiting import Guest
from tests.support.world import World


async def test_each_role_has_a_link_that_signs_it_in_once(world: World, browsers: Callable[[], Guest]) -> None:
    plan, shop = merchants(1), await world.shop()
    partner = await create_partner(NewPartner(name="Handlog"), actor="test")
    place = Place(
        account_id=str(shop.account), channel_id="", connection_id="", warehouse_id=str(shop.warehouse),
        partner_id=str(partner.id), account_key="hub_a", warehouse_key="hub_w",
    )  # fmt: skip
    places = dict.fromkeys((merchant.tenant for merchant in plan), place)
    people = await doors.of_people(plan, places, address="http://hub")
    assert {door.role for door in people} == set(engine.ROLES)
    landed = {}
    for door in people:
        guest = browsers()
        path = urlsplit(door.sign_in).path
        await guest.go(path)
        await guest.send(path)
        landed[door.role] = guest.path
        assert (await guest.go(path)).text.count("was used before") == 1
    needing = {Role.SUPPORT_ADMIN, Role.SUPPORT_AGENT, Role.AUDITOR}
    assert landed == {role: "/account/authenticator" if role in needing else "/" for role in engine.ROLES}
    said = StringIO()
    doors.show((*people, *doors.of_keys("http://hub", "hub_p", plan, places)), Console(file=said), hub="", vendor="")
    assert all(door.sign_in in said.getvalue() for door in people)
