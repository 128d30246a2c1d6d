"""What refusals say to people, in their language: the rooms say it in English, as the API does."""

from hub.kit.errors import HubError
from hub.web import formats
from hub.web.translations import gettext as _
from hub.web.translations import marked as N_  # noqa: N812 - the name by which catalogues know a text that is said later
from tenants.people.factors.engine import LONGEST_PASSWORD, SHORTEST_PASSWORD

SAID_BY_ROOMS = frozenset({
    N_("A PIN has four to six digits."),
    N_("A provider belongs to one account or one partner, and its people get a role of that party."),
    N_("An authenticator app is set up already; remove it first."),
    N_("Another provider tells of one of these domains already."),
    N_("Devices and operators are for admins."),
    N_("How you sign in is not kept here, so it cannot be changed here either."),
    N_("Inviting and removing people is for admins."),
    N_("No such impersonation of yours is under way."),
    N_("Only a support admin invites people to the platform."),
    N_("Show your second factor first."),
    N_("The e-mail address or the password is not right."),
    N_("The name or the PIN is not right."),
    N_("The passkey could not be checked. Begin once more."),
    N_("There is a user with this address already."),
    N_("There is no such device."),
    N_("There is no such open invitation."),
    N_("There is no such operator."),
    N_("There is no such member."),
    N_("There is no such provider."),
    N_("There is no such session."),
    N_("There is no such time zone; take one like Europe/Amsterdam."),
    N_("There is no such user."),
    N_("There is no such warehouse."),
    N_("There is no user with this address."),
    N_("This PIN is the first that anybody tries; take another one."),
    N_("This code is not right, too old, or was used before. Take the one that your app shows now."),
    N_("This invitation is for another address. Sign out, and in with that one."),
    N_("This is no e-mail address; it has to look like name@shop.example."),
    N_("This is not the code that the app shows now. Is its clock right?"),
    N_("This is not your password."),
    N_("This is the last support admin; make another one first."),
    N_("This is too easy to guess. Take a few words that do not belong together, or let a manager make one."),
    N_("This link is not complete, was used before, or is too old. Ask for a new one."),
    N_("This passkey is here already."),
    N_("This passkey was not taken. Try it once more, or sign in with your password."),
    N_("This provider was removed meanwhile."),
    N_("This role does not fit whom it is for; take one of the roles listed."),
    N_("This role does not fit whom it is for; take one of those listed."),
    N_("This sign-in was begun in another browser, or too long ago. Begin once more."),
    N_("This warehouse has an operator of this name already."),
    N_("You are no such member."),
    N_("You have no such passkey."),
    N_("You look with the eyes of one account or one partner: give one of the two ids."),
})  # fmt: skip


def of(fault: HubError) -> str:
    """Return the sentence of a refusal in the reader's language; what only its owner can mend stays English."""
    match fault.code:
        case "too_many_tries":
            span = formats.duration(float(fault.facts["wait"]))
            return _("Too many tries. Wait %(span)s and try again.", span=span)
        case "password_weak" if fault.message not in SAID_BY_ROOMS:
            return _("Take at least %(number)s characters; a few words do well.", number=SHORTEST_PASSWORD)
        case "password_long":
            return _("Take at most %(number)s characters.", number=LONGEST_PASSWORD)
        case "domain_invalid":
            return _("This is no domain; it has to look like shop.example.")
        case "domain_not_yours":
            return _("You can claim the domain of your own proven address; any other is claimed by support.")
        case _other:
            return _(fault.message)
