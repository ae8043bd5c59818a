"""A browser for forms with several buttons."""

from tests.merchant.portal.browsing import Browser


class Pressing(Browser):
    """A browser that sends only the button that is pressed, of forms with several."""

    def fields(self, action: str) -> dict[str, str]:
        buttons = ("deed", "add_counter", "remove_counter")
        return {name: text for name, text in super().fields(action).items() if name not in buttons}
