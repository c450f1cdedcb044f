"""The browser that pages are looked at with."""

from playwright.sync_api import Browser


def test_a_page_is_drawn_by_a_real_browser(chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = context.new_page()

        page.set_content("<p>원</p>")

        assert page.inner_text("p") == "원"
