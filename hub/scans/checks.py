"""Check digits, as the bodies that give the numbers define them; each takes the whole number, check digit included."""

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_FEDEX_WEIGHTS = (3, 1, 7)


def gs1(digits: str) -> bool:
    """Whether a GTIN, SSCC or other key of GS1 checks out (GS1 General Specifications, 7.9)."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits))) % 10 == 0


def s10(digits: str) -> bool:
    """Whether the nine digits of a postal item checks out (UPU standard S10)."""
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(digits, _S10_WEIGHTS, strict=False)) % 11
    return int(digits[8]) == {10: 0, 11: 5}.get(rest, rest)


def ups(body: str) -> bool:
    """Whether the sixteen characters behind UPS's `1Z` check out; letters count as in UPS's own table."""
    values = [int(sign) if sign.isdecimal() else (ord(sign) - 63) % 10 for sign in body]
    total = sum(value * (2 if place % 2 else 1) for place, value in enumerate(values[:-1]))
    return body[-1].isdecimal() and (total + values[-1]) % 10 == 0


def fedex(digits: str) -> bool:
    """Whether the twelve digits of a FedEx Express parcel check out: weights 3, 1, 7, modulo 11, then 10."""
    total = sum(int(digit) * _FEDEX_WEIGHTS[place % 3] for place, digit in enumerate(digits[:-1]))
    return total % 11 % 10 == int(digits[-1])


def dhl_express(digits: str) -> bool:
    """Whether the ten digits of a DHL Express waybill check out: the first nine modulo 7."""
    return int(digits[:-1]) % 7 == int(digits[-1])


def mod_37_36(text: str) -> bool:
    """Whether letters and digits check out by ISO/IEC 7064, MOD 37,36, as DPD's parcel labels do."""
    carried = 36
    for sign in text[:-1]:
        rest = (carried + _LETTERS.index(sign)) % 36 or 36
        carried = rest * 2 % 37
    return (carried + _LETTERS.index(text[-1])) % 36 == 1
