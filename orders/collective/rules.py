"""What may be done with the money and the recipients of a programme, and when."""

from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions
from orders.programmes import rules as programme_rules

RECORDED, CONFIRMED, REJECTED = "recorded", "confirmed", "rejected"
TRANSFER, PAYOUT = "transfer", "payout"
FUNDING_STATES = Transitions(
    {RECORDED: {CONFIRMED, REJECTED}, CONFIRMED: set(), REJECTED: set()},
    {RECORDED: "待核对", CONFIRMED: "已确认", REJECTED: "未到账"},
)
PROPOSED, APPLIED = "proposed", "applied"
CHANGE_STATES = Transitions(
    {PROPOSED: {APPLIED, REJECTED}, APPLIED: set(), REJECTED: set()},
    {PROPOSED: "待审批", APPLIED: "已生效", REJECTED: "已否决"},
)
ADD, WITHDRAW = "add", "withdraw"
# While money may come in, and while recipients may change.
FUNDABLE = (
    programme_rules.APPROVED,
    programme_rules.FUNDED,
    programme_rules.ISSUING,
    programme_rules.ACTIVE,
)
CHANGEABLE = FUNDABLE
CHUNK = 2000
MAX_UNIT_ORDER = 20_000
MAX_NATIVE_FEN = 500_000


class NotFundable(DomainError):
    code = "not_fundable"
    zh = "方案当前状态为“{state_zh}”，不能收款。"
    en = "No money is taken in state “{state}”."


class BankReferenceUsed(DomainError):
    code = "bank_reference_used"
    zh = "该银行流水号已登记过。"
    en = "This bank reference was recorded before."


class NothingDue(DomainError):
    code = "nothing_due"
    zh = "没有待付的金额。"
    en = "Nothing is due."


class TooMuchForNative(DomainError):
    code = "too_much_for_native"
    status = 422
    zh = "扫码支付每次不超过 {limit_fen} 分，请改用银行转账。"
    en = "A QR payment is {limit_fen} fen at most; transfer it by bank."


class PayoutTooLarge(DomainError):
    code = "payout_too_large"
    status = 422
    zh = "最多可退 {allowed_fen} 分：其余资金尚待发放。"
    en = "At most {allowed_fen} fen can be paid back; the rest is still to be issued."


class AlreadyListed(DomainError):
    code = "already_listed"
    zh = "该人员已在方案中。"
    en = "This person is in the programme already."


class AlreadyOrdered(DomainError):
    code = "already_ordered"
    zh = "单位配送已下单，不能再退出。"
    en = "What goes to the unit has been ordered; nobody can be withdrawn any more."


def check_fundable(state: str) -> None:
    """Raise NotFundable unless a programme takes money in this state."""
    if state not in FUNDABLE:
        raise NotFundable(state=state, state_zh=programme_rules.STATES.names_zh[state])


def check_active(state: str) -> None:
    """Raise WrongState unless a programme is active."""
    if state != programme_rules.ACTIVE:
        raise programme_rules.STATES.refusal(state, programme_rules.CLOSED)


def allowed_payout(state: str, balance_fen: int, to_issue_fen: int) -> int:
    """Return how much of a fund may go back to the union: what no one is to be issued any more."""
    if state in (programme_rules.ISSUING, programme_rules.ACTIVE):
        return max(0, balance_fen - to_issue_fen)
    return balance_fen
