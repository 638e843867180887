"""The rule of a gallery that changes while cameras run: fitted before the first frame, later in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from config.errors import ModelError, StoreError
from config.recognition import MatchSettings, RuleName
from tracker.identity.fitting import RuleStore, fingerprint, fit, is_fitted, stored_rule, unfitted_rule
from tracker.identity.gallery import Gallery
from tracker.identity.rules import LinearRule, Rule

log = logging.getLogger("footfall.agent")


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """A rule and the gallery to fit it to."""

    name: RuleName
    gallery: Gallery
    store: RuleStore
    key: str


class CurrentRule:
    """The rule of the gallery that was given last. Thread-safe.

    on_ready: called from another thread when a rule was fitted in the background, with the fingerprint of its gallery.
    """

    def __init__(self, on_ready: Callable[[str, LinearRule], None]) -> None:
        self.key = ""
        self._on_ready = on_ready
        self._lock = threading.Lock()
        self._given = Gallery.empty()
        self._started = False
        self._fitted: dict[str, LinearRule] = {}
        self._waiting: _Fit | None = None
        self._fitting: _Fit | None = None

    def of(self, store: RuleStore, settings: MatchSettings, gallery: Gallery) -> Rule | None:
        """The rule of the settings for a gallery; None for the nearest, and while a rule is fitted in the background.

        The first call fits at once, unless the store has the rule. Raises StoreError, and the first call ModelError as
        `fit`.
        """
        with self._lock:
            rule: Rule | None
            self._waiting = None
            if is_fitted(settings, gallery):
                self._take(settings.rule, gallery)
                rule = self._fitted_rule(_Fit(settings.rule, gallery, store, self.key))
            else:
                self.key, rule = "", unfitted_rule(settings, gallery)
            self._started = True  # not where the first call fails, so that the next one fails as well
            return rule

    def _fitted_rule(self, wanted: _Fit) -> LinearRule | None:
        """The rule for the gallery; None while it is fitted in the background. The caller holds the lock."""
        if wanted.key not in self._fitted:
            stored = stored_rule(wanted.store, wanted.name, wanted.gallery)
            if stored is None and self._started:
                self._begin(wanted)
                return None
            self._fitted = {wanted.key: stored or _fitted(wanted)}
        return self._fitted[wanted.key].in_order(wanted.gallery.people)

    def _take(self, name: RuleName, gallery: Gallery) -> None:
        """Note the gallery and its fingerprint, which takes time for many people and mostly stays as it is."""
        same = self._given.person_ids == gallery.person_ids and np.array_equal(self._given.vectors, gallery.vectors)
        if not (same and self.key):
            self.key = fingerprint(name, gallery)
        self._given = gallery

    def _begin(self, wanted: _Fit) -> None:
        """Fit in the background, after the fit that is under way. The caller holds the lock."""
        if self._fitting is None:
            self._fitting = wanted
            threading.Thread(target=self._fit_waiting, name="fit-rule", daemon=True).start()
        elif self._fitting.key != wanted.key:
            self._waiting = wanted

    def _fit_waiting(self) -> None:
        while (wanted := self._fitting) is not None:
            rule = _fitted_or_warn(wanted)
            with self._lock:
                if rule is not None:
                    self._fitted = {wanted.key: rule}
                self._fitting, self._waiting = self._waiting, None
            if rule is not None:
                self._on_ready(wanted.key, rule)


def _fitted_or_warn(wanted: _Fit) -> LinearRule | None:
    try:
        return _fitted(wanted)
    except ModelError as error:
        log.warning("%s; fix: %s; until then faces are those of the nearest person", error.problem, error.fix)
        return None


def _fitted(wanted: _Fit) -> LinearRule:
    """Fit, and keep the result in the store where that is possible. Raises ModelError."""
    rule = fit(wanted.name, wanted.gallery)
    log.info("fitted the rule %s to %d people", wanted.name, len(rule.people))
    try:
        wanted.store.save_fitted_rule(wanted.key, rule.people, rule.weights)
    except StoreError as error:
        log.warning("the rule %s is not kept and will be fitted again: %s", wanted.name, error.problem)
    return rule
