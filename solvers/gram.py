"""GRAM: TRM's recursion made random, trained by amortised variational inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import pyro
import pyro.distributions as dist
import torch
from pydantic import Field, field_validator
from pyro import poutine
from torch import Tensor, nn
from torch.distributions import kl_divergence
from torch.nn.functional import softplus

from ..engine.random import Random
from ..engine.training.loss import Target
from .learned import DOUBT, PUBLISHED, Learned
from .nets.layers import SwiGLU
from .nets.reasoner import Latent, Readout, Reasoner
from .nets.shape import NetShape

Variant = Literal["full", "scale", "mean", "noise", "inference"]

BETA = 1.0
"""At 1 the loss is the evidence lower bound itself. The published weights (0.045 to 0.5) go with a reduction of the divergence
that is not stated; at 0.1 of the sum over all numbers the posterior whispers the answer to the state and the prior learns nothing."""
KL_BALANCE = 0.8
"""Share of the KL divergence that teaches the prior; the rest holds the posterior back."""
SCALE = 0.3
"""Standard deviation of an untrained net's increments, and of those that are not learned."""
FLOOR = 1e-3


Moments = tuple[Tensor, Tensor]
"""Means and standard deviations, [B, S, H] each."""


class Increment(nn.Module):
    """Mean and standard deviation of the increment, each a SwiGLU of the state: [B, S, H] twice.

    Args:
        width: H.
        variant: which of the two are learned.
    """

    def __init__(self, width: int, variant: Variant) -> None:
        super().__init__()
        self.mean = SwiGLU(width, width) if variant in ("full", "mean") else None
        self.scale = SwiGLU(width, width) if variant in ("full", "scale") else None

    def forward(self, u: Tensor) -> Moments:
        mean = torch.zeros_like(u, dtype=torch.float32) if self.mean is None else self.mean(u).float()
        if self.scale is None:
            return mean, torch.full_like(mean, SCALE)
        # A state of zero gives SCALE: softplus is undone by the logarithm.
        return mean, softplus(self.scale(u).float() + _BEGIN) + FLOOR


_BEGIN = float(torch.tensor(SCALE).expm1().log())


class GramNet(Reasoner):
    """A step: ``low`` times l ← L(l + h + x), then u = H(h + l) and h ← u + ε with ε ~ N(μ(u), σ(u)²), for each state number apart.

    Training draws ε from the posterior, which sees the answer as well; the gradient goes through a segment's last step.
    """

    uses_targets = True

    def __init__(self, shape: NetShape, high: int, low: int, beta: float, variant: Variant) -> None:
        super().__init__(shape, states=2, stacks=2, random_start=False)
        self.steps_per_segment, self.grad_steps = high, 1
        self.low, self.beta, self.variant = low, beta, variant
        self.prior = Increment(shape.hidden, variant)
        if self.amortised:
            self.posterior = Increment(shape.hidden, variant)
            self.answers = self.backbone.answers()
        self.value = nn.Linear(shape.hidden, 1)

    @property
    def amortised(self) -> bool:
        """Whether there is a posterior that sees the answer."""
        return self.variant in ("full", "scale", "mean")

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """A step with the increment at its mean; ``sample_step`` draws it."""
        u, low = self._update(z, x, view)
        return u + self.prior(u)[0].to(u.dtype), low

    def sample_step(self, z: Latent, x: Tensor, view: Any, random: Random) -> Latent:
        u, low = self._update(z, x, view)
        mean, scale = self.prior(u)
        return u + (mean + scale * random.normal(*u.shape[1:])).to(u.dtype), low

    def forward(self, z: Latent, view: Any, target: Target | None = None) -> tuple[Latent, Readout]:
        x = self.backbone.embed(view).to(z[0].dtype)
        hint = self.answers(view, target.beliefs()) if target is not None and self.amortised else None
        divergence = x.new_zeros(len(x), dtype=torch.float32)
        for _ in range(self.steps_per_segment - 1):
            with torch.no_grad():
                u, low = self._update(z, x, view)
            if hint is not None:
                # What the posterior says here reaches the answer too, so it is charged for, though no gradient goes back.
                divergence = divergence + balanced_kl(self.posterior(u + hint), self.prior(u))
            with torch.no_grad():
                z = u + self._drawn(u, hint, learning=target is not None), low
        if torch.is_grad_enabled():
            z = tuple(t.detach().requires_grad_() for t in z)  # as in Reasoner.segment
        u, low = self._update(z, x, view)
        if target is None or hint is None:
            z = u + self._drawn(u, None, learning=target is not None), low
            said = self.read(z, view)
            if target is None:
                return z, said
            loss = target.cross_entropy(said.logits)
        else:
            high, said, likelihood, last = elbo(self._model, self._guide, u, hint, view, target)
            z = high, low
            loss = (self.beta * (divergence + last) - likelihood) / target.number()
        return z, said._replace(loss=loss + self._judged(z, said, target))

    def predicted_accuracy(self, z: Latent) -> Tensor:
        """[B] the share of variables that are right, as the value head sees it (LPRM)."""
        return self.value(z[0].mean(1))[:, 0]  # type: ignore[no-any-return]

    def answer_energy(self, z: Latent, chances: Tensor, view: Any) -> Tensor:
        """[B] the share of variables that the value head believes wrong: it chooses where the checker does not."""
        return 1 - self.predicted_accuracy(z).float()

    def _update(self, z: Latent, x: Tensor, view: Any) -> tuple[Tensor, Tensor]:
        high, low = z
        upper, lower = self.stacks
        injected = high + x
        for _ in range(self.low):
            low = lower(view, low, injected)
        return upper(view, high, low), low

    def _drawn(self, u: Tensor, hint: Tensor | None, *, learning: bool) -> Tensor:
        """An increment of the posterior where there is a hint, else of the prior; none while a net without noise learns."""
        if learning and self.variant == "inference":
            return torch.zeros_like(u)
        mean, scale = self.prior(u) if hint is None else self.posterior(u + hint)
        return (mean + scale * torch.randn_like(mean)).to(u.dtype)  # type: ignore[no-any-return]

    # The last step of a segment, in Pyro ------------------------------------------------------------------------------

    def _model(self, u: Tensor, hint: Tensor, view: Any, target: Target) -> tuple[Tensor, Readout]:
        with pyro.plate("rows", len(u)):
            increment = pyro.sample("increment", _normal(*self.prior(u)).to_event(2))
            high = u + increment.to(u.dtype)
            said = self.read((high,), view)
            logits = said.logits.float().masked_fill(~target.allowed, -torch.inf)
            values = dist.Categorical(logits=logits, validate_args=False).mask(target.free)
            pyro.sample("answer", values.to_event(1), obs=target.answer)
        return high, said

    def _guide(self, u: Tensor, hint: Tensor, view: Any, target: Target) -> None:
        with pyro.plate("rows", len(u)):
            pyro.sample("increment", _normal(*self.posterior(u + hint)).to_event(2))

    def _judged(self, z: Latent, said: Readout, target: Target) -> Tensor:
        """[B] the value head's squared error; nothing but the head learns of it."""
        with torch.no_grad():
            masked = said.logits.float().masked_fill(~target.allowed, -torch.inf)
            right = ((masked.argmax(-1) == target.answer) & target.free).sum(1) / target.number()
        return (self.predicted_accuracy(tuple(t.detach() for t in z)).float() - right) ** 2


def elbo(model: Any, guide: Any, *arguments: Any) -> tuple[Tensor, Readout, Tensor, Tensor]:
    """The two terms of the evidence lower bound, the divergence in closed form as ``TraceMeanField_ELBO`` has it.

    Returns:
        What the model returned, the log-likelihood of the answer [B], the divergence of guide and model [B].
    """
    drawn = poutine.trace(guide).get_trace(*arguments)
    played = poutine.trace(poutine.replay(model, drawn)).get_trace(*arguments)
    answer = played.nodes["answer"]
    q, p = (trace.nodes["increment"]["fn"].base_dist for trace in (drawn, played))
    high, said = played.nodes["_RETURN"]["value"]
    return high, said, answer["fn"].log_prob(answer["value"]), balanced_kl((q.loc, q.scale), (p.loc, p.scale))


def balanced_kl(posterior: Moments, prior: Moments) -> Tensor:
    """[B] divergence of posterior and prior, its larger share drawing the prior to the posterior (Hafner et al. 2021, DreamerV2)."""
    still_q, still_p = (_normal(*(t.detach() for t in moments)) for moments in (posterior, prior))
    each = KL_BALANCE * kl_divergence(still_q, _normal(*prior)) + (1 - KL_BALANCE) * kl_divergence(
        _normal(*posterior), still_p
    )
    return each.sum((1, 2))


def _normal(mean: Tensor, scale: Tensor) -> Any:
    return dist.Normal(mean, scale, validate_args=False)  # to validate is to wait for the device


class Gram(Learned):
    """Generative Recursive Model: every step of the answer's state is a random draw, so that runs differ as answers do.

    A prior over the increments is taught by a posterior that saw the answer; solving draws from the prior, many
    trajectories side by side, and the checker chooses among them.
    """

    name: ClassVar[str] = "gram"
    auto_turn: ClassVar[int | None] = None  # made for several answers, for which auto enumerates
    citation: ClassVar[str] = "Generative recursive reasoning (GRAM). arXiv 2605.19376, 2026."
    presets: ClassVar = {
        "small": {
            "lattice": {"hidden": 96, "layers": 1, "inner": 256},
            "mixer": {"hidden": 384, "layers": 2, "inner": 1024},
            "tokens": {"hidden": 256, "layers": 2, "inner": 768, "heads": 8, "masked": True},
        },
        "paper": {
            "mixer": {"hidden": 512, "layers": 2, "inner": 512, "prefix": 16},
            "tokens": {"hidden": 512, "layers": 2, "inner": 512, "heads": 8, "prefix": 16},
        },
    }

    high: int = Field(3, ge=1, le=16, description="random steps of a segment, the last with gradient (T)")
    low: int = Field(4, ge=1, le=32, description="updates of the low state in a step (K)")
    beta: float = Field(BETA, ge=0, description="weight of the divergence")
    variant: Variant = Field(
        "full",
        description="learned: scale and mean of the noise, one of them, none (noise), none and only when solving (inference)",
    )
    doubt: float = Field(0.5, gt=0, le=1, description=DOUBT)
    segments: int = Field(16, ge=1, description="depth: segments after which a trajectory starts anew")
    copies: int = Field(8, ge=1, description="trajectories of a problem run side by side, unless --restarts says")

    def reasoner(self, shape: NetShape) -> GramNet:
        return GramNet(shape, self.high, self.low, self.beta, self.variant)

    @field_validator("beta", mode="before")
    @classmethod
    def _stated(cls, beta: Any) -> Any:
        return BETA if beta is None else beta  # stored runs have None for the default

    def recipe(self) -> Mapping[str, Any]:
        return {**PUBLISHED, "loss": "softmax", "ema": 0.9999} if self.preset == "paper" else {"max_segments": 16}
