"""A voucher's code, and what may become of it."""

import hashlib
import hmac
from uuid import UUID

from mall.kernel.errors import DomainError
from mall.kernel.ids import ALPHABET
from mall.kernel.states import Transitions

VALID, REDEEMED, REVOKED = "valid", "redeemed", "revoked"
STATES = Transitions(
    {VALID: {REDEEMED, REVOKED}, REDEEMED: set(), REVOKED: set()},
    {VALID: "可使用", REDEEMED: "已使用", REVOKED: "已作废"},
)
# 16 characters of 5 bits: nobody guesses 80 bits.
LENGTH = 16


class VoucherUsed(DomainError):
    code = "voucher_used"
    zh = "该提货码已于 {at} 使用。"
    en = "This voucher was used at {at}."


class VoucherRevoked(DomainError):
    code = "voucher_revoked"
    zh = "该提货码已作废（订单已取消或退款）。"
    en = "This voucher is revoked: its order was cancelled or refunded."


class AfterSalesPending(DomainError):
    code = "after_sales_pending"
    zh = "该商品正在申请退款，暂不能提货。"
    en = "A refund was asked for; it cannot be collected until that is decided."


def code_of(voucher_id: UUID, secret: str) -> str:
    """Return a voucher's code: 80 bits that only the service can derive from its id.

    So the code itself is kept nowhere; what is kept is its hash.
    """
    digest = hmac.new(secret.encode(), b"voucher:" + voucher_id.bytes, hashlib.sha256).digest()
    bits = int.from_bytes(digest[:10], "big")
    return "".join(ALPHABET[(bits >> (5 * place)) & 31] for place in range(LENGTH))


def shown(code: str) -> str:
    """Return a code as people read it: in groups of four."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def hash_of(text: str) -> str:
    """Return the hash of a code as it was typed: dashes, spaces and small letters do not matter.

    Crockford's alphabet: I and L are read as 1, O as 0.
    """
    plain = "".join(text.split()).replace("-", "").upper().translate(str.maketrans("ILO", "110"))
    return hashlib.sha256(plain.encode()).hexdigest()
