"""Audiences, roles and the pure decisions about signing in."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from mall.kernel.errors import DomainError

STORE, UNION, SUPPLIER, PICKUP, OPS = "store", "union", "supplier", "pickup", "ops"
AUDIENCES = (STORE, UNION, SUPPLIER, PICKUP, OPS)
# The role of a staff account names the one audience that its tokens open.
UNION_OFFICER = "union_officer"
AUDIENCE_OF_ROLE = {
    UNION_OFFICER: UNION,
    "supplier": SUPPLIER,
    "store_clerk": PICKUP,
    "operator": OPS,
}
ROLES = tuple(AUDIENCE_OF_ROLE)
# What a union officer may do; another duty than handling is never both hands of one person.
HANDLES, APPROVES, AUDITS = "handles", "approves", "audits"
DUTIES = (HANDLES, APPROVES, AUDITS)
# What a clerk may do who runs a store.
MANAGES = "manages"
# What an operator may do beside reading. Whoever enters an amount and whoever confirms it are two
# persons, whatever duties each of them has (Actor).
REVIEWS, SERVICE, MERCHANDISING, ACCOUNTS = "reviews", "service", "merchandising", "accounts"
FINANCE_ENTERS, FINANCE_CONFIRMS = "finance_enters", "finance_confirms"
OPERATOR = "operator"
OPERATOR_DUTIES = (
    REVIEWS,
    FINANCE_ENTERS,
    FINANCE_CONFIRMS,
    SERVICE,
    MERCHANDISING,
    ACCOUNTS,
    AUDITS,
)
DUTIES_OF_ROLE = {
    UNION_OFFICER: DUTIES,
    "store_clerk": (MANAGES,),
    OPERATOR: OPERATOR_DUTIES,
    "supplier": (),
}
MIN_PASSWORD, MAX_PASSWORD = 12, 128
USERNAME = re.compile(r"[a-z][a-z0-9._-]{2,31}")


@dataclass(frozen=True)
class Allowance:
    """How many wrong guesses are free within a span, and how long each further one waits.

    The pause doubles with each, up to the longest.
    """

    purpose: str
    tries: int
    span: timedelta
    pause: timedelta
    longest: timedelta


def at_most(tries: int, span: timedelta, purpose: str) -> Allowance:
    """Return an allowance of so many wrong guesses within a span and none after."""
    return Allowance(purpose, tries, span, span, span)


PASSWORD = Allowance("password", 5, timedelta(days=1), timedelta(seconds=30), timedelta(minutes=15))


def subject_of_name(username: str) -> str:
    """Return what stands for a user name among the counters: people type passwords there, too."""
    return hashlib.sha256(username.encode("utf-8", "replace")).hexdigest()


def place_of(address: str | None) -> str:
    """Return the address that guesses are counted by: of IPv6 the network that one line gets."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((found, 64), strict=False))
    return str(found)


@dataclass(frozen=True)
class Principal:
    """Who a valid token stands for."""

    audience: str
    subject_id: UUID
    scope_id: UUID | None
    token_id: UUID
    duties: tuple[str, ...] = ()
    display_name: str = ""

    @property
    def name(self) -> str:
        return f"{self.audience}:{self.subject_id}"


@dataclass(frozen=True)
class IssuedToken:
    """A fresh token; its text is shown once and stored only as a hash."""

    token: str
    expires_at: datetime


class Unauthenticated(DomainError):
    code = "unauthenticated"
    status = 401
    zh = "登录已失效，请重新登录。"
    en = "You are not signed in, or no longer; please sign in."


class WrongAudience(DomainError):
    code = "wrong_audience"
    status = 403
    zh = "该账号不能使用此接口。"
    en = "This account may not use this part of the service."


class DutyMissing(DomainError):
    code = "duty_missing"
    status = 403
    zh = "您的账号没有“{duty_zh}”职责。"
    en = "Your account does not have the duty “{duty}”."

    def __init__(self, duty: str) -> None:
        super().__init__("Authorization", duty=duty, duty_zh=_DUTIES_ZH[duty])


_DUTIES_ZH = {
    HANDLES: "经办",
    APPROVES: "审批",
    AUDITS: "审计",
    MANAGES: "店长",
    REVIEWS: "审核",
    FINANCE_ENTERS: "财务录入",
    FINANCE_CONFIRMS: "财务复核",
    SERVICE: "客服",
    MERCHANDISING: "商品运营",
    ACCOUNTS: "账号管理",
}


class TooManyTries(DomainError):
    code = "too_many_tries"
    status = 429
    zh = "错误次数过多，请在 {retry_after_seconds} 秒后再试。"
    en = "Too many wrong tries; try again in {retry_after_seconds} seconds."


class BadCredentials(DomainError):
    code = "bad_credentials"
    status = 401
    zh = "用户名或密码错误。"
    en = "The user name or the password is wrong."


class LockedOut(DomainError):
    code = "locked_out"
    status = 429
    zh = "登录失败次数过多，请在 {retry_after_seconds} 秒后再试。"
    en = "Too many failed attempts; try again in {retry_after_seconds} seconds."


class PasswordRefused(DomainError):
    code = "password_refused"
    status = 422
    zh = "该密码不能使用：{why_zh}。"
    en = "This password cannot be used: {why}."


class UsernameTaken(DomainError):
    code = "username_taken"
    zh = "该用户名已被使用，请换一个。"
    en = "This user name is taken; choose another."


class NotYourself(DomainError):
    code = "not_yourself"
    zh = "不能停用自己的账号。"
    en = "You cannot close your own account."


class CodeRefused(DomainError):
    code = "wechat_code_refused"
    status = 401
    zh = "微信登录凭证无效或已使用，请重新进入小程序。"
    en = "WeChat refused the login code: invalid or already used. Open the mini-program again."


class PhoneCodeRefused(DomainError):
    code = "phone_code_refused"
    status = 422
    zh = "手机号授权码无效或已过期，请重新授权。"
    en = "WeChat refused the phone code: invalid or expired. Ask for the number again."


class WeChatUnavailable(DomainError):
    code = "wechat_unavailable"
    status = 503
    zh = "微信服务暂时不可用，请稍后重试。"
    en = "WeChat does not answer at the moment; try again shortly."
