"""In a browser whose language is Chinese the page is Chinese; in others it is English, and fetches nothing."""

import re

from playwright.sync_api import Page, expect

from tests.browser.sheet import Open, Sheet

CHINESE = {"locale": "zh-CN"}


def has_table(page: Page) -> bool:
    return page.evaluate("typeof translated !== 'undefined'")


def test_the_page_speaks_the_browsers_language_and_leaves_names_alone(open_page: Open):
    page = open_page(**CHINESE)
    expect(page.get_by_role("tab", name="绘画")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("button", name="橡皮")).to_be_visible()
    expect(page.locator("#draw-canvas")).to_have_attribute("aria-label", "你的画")
    expect(page.locator(".invitation-text")).to_have_text("在这里画一只鞋")
    Sheet(page, "tiny2shoes", "模型").stroke((40, 120), (200, 140))  # words that come later, too
    expect(page.locator(".status")).to_have_text(re.compile(r"^\d+ 毫秒$"))
    expect(page.locator("#draw-picture")).to_have_attribute("alt", "tiny2shoes 根据你的画生成的图片")
    expect(page.locator(".model option").first).to_have_text(re.compile("^[a-z0-9]+$"))


def test_an_english_page_fetches_no_other_language(open_page: Open):
    page = open_page(locale="en-GB")
    expect(page.get_by_role("tab", name="Draw")).to_be_visible()
    assert not has_table(page)
    assert page.evaluate("performance.getEntriesByType('resource').every(({ name }) => !name.includes('/browser/'))")


def test_the_first_known_language_counts(open_page: Open):
    page = open_page(locale="fr-FR")
    page.add_init_script("Object.defineProperty(navigator, 'languages', { get: () => ['fr-FR', 'zh-TW', 'en'] })")
    page.reload()
    expect(page.get_by_role("tab", name="绘画")).to_be_visible()


def test_the_page_in_one_file_speaks_it_too(open_file: Open, tiny):
    page = open_file(tiny, **CHINESE, ready="就绪")
    expect(page.locator(".runs")).to_have_text("就绪：WebAssembly 在本浏览器中计算图片，任何内容都不会离开浏览器。")
    expect(page.locator(".invitation small")).to_have_text("图片随你的笔实时生成")
    assert not has_table(open_file(tiny))
