"""Orders pressed together: one currency, whatever was changed between two presses."""

from merchant.core import ids
from merchant.core.money import Money
from merchant.payments.price_keys.schemas import PriceKeyView
from merchant.payments.schemas import Amount
from merchant.portal.merchant.order import LINE, lines_of, sum_of


def key(label: str, amount: str, currency: str) -> PriceKeyView:
    return PriceKeyView(ids.uuid7(), ids.uuid7(), None, label, Amount(amount, currency), 0)


def test_a_price_changed_to_another_currency_meanwhile_is_never_added_to_the_others() -> None:
    tea, bread = key("Tea", "50.00", "KES"), key("Bread", "1.00", "USD")
    form = {f"{LINE}{tea.id}": "3", f"{LINE}{bread.id}": "1", "less": str(tea.id)}
    lines = lines_of(form, [tea, bread])
    assert [(line.key.label, line.count) for line in lines] == [("Tea", 2)]
    assert sum_of(lines) == Money(10_000, "KES")
    assert [line.key.label for line in lines_of(form | {"less": ""}, [bread, tea])] == ["Bread"]


def test_less_of_the_only_one_leaves_no_order() -> None:
    tea = key("Tea", "50.00", "KES")
    assert sum_of(lines_of({f"{LINE}{tea.id}": "1", "less": str(tea.id)}, [tea])) is None
