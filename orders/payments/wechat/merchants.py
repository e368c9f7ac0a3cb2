"""The merchants of this installation, each with its provider."""

from collections.abc import Collection, Iterator

from mall.kernel.settings import MerchantSettings, WeChatSettings
from orders.payments.gateway import IncomingNotice, Keep, PaidNotice, PaymentGateway, RefundNotice
from orders.payments.rules import ForgedNotice, UnknownMerchant
from orders.payments.wechat.v2 import WeChatPayV2
from orders.payments.wechat.v3 import WeChatPayV3
from orders.payments.wechat.wire import WeChatProvider

PROVIDERS: dict[str, type[WeChatProvider]] = {"v2": WeChatPayV2, "v3": WeChatPayV3}


def _has_keys(settings: MerchantSettings, version: str) -> bool:
    if version == settings.version:
        return True
    if version == "v2":
        return bool(settings.api_key.values())
    return bool(settings.apiv3_key.values() and settings.public_keys_dir and settings.key_file)


class Merchant:
    """One merchant: the provider that is asked, and those whose notices are read."""

    def __init__(self, settings: MerchantSettings, keep: Keep) -> None:
        self.settings = settings
        self.providers = {
            version: provider(settings, keep)
            for version, provider in PROVIDERS.items()
            if _has_keys(settings, version)
        }

    @property
    def gateway(self) -> PaymentGateway:
        """Return the provider of the version that this merchant speaks."""
        return self.providers[self.settings.version]  # type: ignore[return-value]

    def _reader(self, incoming: IncomingNotice) -> PaymentGateway:
        version = "v3" if incoming.body.lstrip()[:1] == b"{" else "v2"
        if version not in self.providers:
            raise ForgedNotice(reason=f"no keys for {version}")
        return self.providers[version]  # type: ignore[return-value]

    def parse_notice(self, incoming: IncomingNotice) -> PaidNotice:
        """Return what a notice says, whichever version it speaks; raises ForgedNotice."""
        return self._reader(incoming).parse_notice(incoming)

    def parse_refund_notice(self, incoming: IncomingNotice) -> RefundNotice:
        """Return what a notice of a refund says, whichever version; raises ForgedNotice."""
        return self._reader(incoming).parse_refund_notice(incoming)


class Merchants:
    """All merchants by name, and which of them collects from whom."""

    def __init__(self, settings: WeChatSettings, keep: Keep) -> None:
        self._by_name = {each.name: Merchant(each, keep) for each in settings.merchants}
        self.main = settings.merchants[0].name

    def __iter__(self) -> Iterator[Merchant]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Merchant:
        """Return a merchant by name; raises UnknownMerchant."""
        if name not in self._by_name:
            raise UnknownMerchant(name=name)
        return self._by_name[name]

    def serving(self, union_codes: Collection[str]) -> str:
        """Return the name of the first merchant that serves one of these unions, else the main."""
        for name, merchant in self._by_name.items():
            if merchant.settings.unions & set(union_codes):
                return name
        return self.main
