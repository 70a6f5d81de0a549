"""GRAM: a recursion with random steps, trained by amortised variational inference."""

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
from ..engine.shapes import Float
from ..engine.training.loss import Target
from .learned import PUBLISHED, UNDECIDED_SHARE, Learned
from .nets.layers import SwiGLU
from .nets.reasoner import Latent, Readout, Reasoner
from .nets.shape import NetShape

Variant = Literal["full", "scale", "mean", "noise", "inference", "none"]

BETA = 1.0
"""At 1 the loss is the negative evidence lower bound. The paper's values (0.045 to 0.5) belong to a reduction of the
divergence that the paper does not state. With 0.1 and a sum over all numbers the posterior leaks the target into the
state, and the prior learns nothing."""
KL_BALANCE = 0.8
"""Share of the divergence that trains the prior; the rest trains the posterior."""
SCALE = 0.3
"""Standard deviation of an untrained net's increments, and of increments whose scale is not learned."""
FLOOR = 1e-3
"""Smallest standard deviation of an increment."""
_SCALE_BIAS = float(torch.tensor(SCALE).expm1().log())
"""softplus(_SCALE_BIAS) = SCALE."""

States = Float[Tensor, "rows positions hidden"]
Moments = tuple[Tensor, Tensor]
"""Means and standard deviations, [B, S, H] each."""


class Increment(nn.Module):
    """Mean and standard deviation of the increment, each a SwiGLU of the state.

    Args:
        width: H.
        variant: states whether mean and scale are learned.
    """

    def __init__(self, width: int, variant: Variant) -> None:
        super().__init__()
        self.mean = SwiGLU(width, width) if variant in ("full", "mean") else None
        self.scale = SwiGLU(width, width) if variant in ("full", "scale") else None

    def forward(self, u: States) -> Moments:
        """Means and standard deviations, [B, S, H] float32 each, for states u [B, S, H]."""
        mean = torch.zeros_like(u, dtype=torch.float32) if self.mean is None else self.mean(u).float()
        if self.scale is None:
            return mean, torch.full_like(mean, SCALE)
        return mean, softplus(self.scale(u).float() + _SCALE_BIAS) + FLOOR


class GramNet(Reasoner):
    """A step: ``low`` times l ← L(l + h + x), then u = H(h + l), h ← u + ε with ε ~ N(μ(u), σ(u)²), elementwise.

    Training draws ε from the posterior, which also reads the target. The gradient passes through the last step of a segment.
    The divergence of posterior and prior counts in every step, not in the last one alone as published: otherwise the
    posterior of the other steps could pass the target to the state at no cost.

    Args:
        shape: sizes of the backbone.
        high: steps of a segment (T).
        low: updates of l in a step (K).
        beta: weight of the divergence.
        variant: which parts of the noise are learned.
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
        """Whether the net has a posterior, which reads the target."""
        return self.variant in ("full", "scale", "mean")

    def applications(self) -> tuple[str, ...]:
        """The updates of l in their order, then that of h."""
        return *(f"l {k}" for k in range(1, self.low + 1)), "h"

    def step(self, z: Latent, x: Tensor, view: Any) -> Latent:
        """A step whose increment is the prior's mean; ``sample_step`` draws the increment."""
        u, low = self._update(z, x, view)
        return u + self.prior(u)[0].to(u.dtype), low

    def sample_step(self, z: Latent, x: Tensor, view: Any, random: Random) -> Latent:
        """A step whose increment is drawn from the prior.

        Args:
            z: h and l, [B, S, H] each.
            x: input [B, S, H].
            view: the backbone's view of the instance.
            random: one stream a row.
        """
        u, low = self._update(z, x, view)
        if self.variant == "none":
            return u, low
        mean, scale = self.prior(u)
        return u + (mean + scale * random.normal(*u.shape[1:])).to(u.dtype), low

    def forward(self, z: Latent, view: Any, target: Target | None = None) -> tuple[Latent, Readout]:
        """A segment. With a target the read-out has the loss [B]: β · divergence − log-likelihood, per free variable.

        Args:
            z: h and l, [B, S, H] each.
            view: the backbone's view of the instance.
            target: the known solution of each row; None in validation.
        """
        x = self.backbone.embed(view).to(z[0].dtype)
        encoded = self.answers(view, target.beliefs()) if target is not None and self.amortised else None
        divergence = x.new_zeros(len(x), dtype=torch.float32)
        for _ in range(self.steps_per_segment - 1):
            with torch.no_grad():
                u, low = self._update(z, x, view)
            if encoded is not None:
                # The divergence counts although no gradient passes through this step: the increment depends on the
                # target. When it counted in the last step only, the posterior solved 100 % of queens 8, the prior 0 %
                # (docs/log.md).
                divergence = divergence + balanced_kl(self.posterior(u + encoded), self.prior(u))
            with torch.no_grad():
                z = u + self._increment(u, encoded, learning=target is not None), low
        if torch.is_grad_enabled():
            z = tuple(t.detach().requires_grad_() for t in z)  # as in Reasoner.segment
        u, low = self._update(z, x, view)
        if target is None or encoded is None:
            z = u + self._increment(u, None, learning=target is not None), low
            readout = self.read(z, view)
            if target is None:
                return z, readout
            loss = target.cross_entropy(readout.logits)
        else:
            high, readout, likelihood, last = elbo(self._model, self._guide, u, encoded, view, target)
            z = high, low
            loss = (self.beta * (divergence + last) - likelihood) / target.number()
        return z, readout._replace(loss=loss + self._value_loss(z, readout, target))

    def predicted_accuracy(self, z: Latent) -> Float[Tensor, " rows"]:
        """[B] share of variables that are right, as the value head predicts it (the paper's LPRM)."""
        return self.value(z[0].mean(1))[:, 0]  # type: ignore[no-any-return]

    def answer_energy(self, z: Latent, log_probs: Tensor, view: Any) -> Float[Tensor, " rows"]:
        """[B] predicted share of wrong variables. It ranks the copies of a problem that the checker rates equally.

        Args:
            z: h and l, [B, S, H] each.
            log_probs: [B, V, D] as in ``StepOutput``.
            view: the backbone's view of the instance.
        """
        return 1 - self.predicted_accuracy(z).float()

    def _update(self, z: Latent, x: Tensor, view: Any) -> tuple[Tensor, Tensor]:
        """u and the new l, [B, S, H] each."""
        high, low = z
        upper, lower = self.stacks
        injected = high + x
        for _ in range(self.low):
            low = lower(view, low, injected)
        return upper(view, high, low), low

    def _increment(self, u: Tensor, encoded: Tensor | None, *, learning: bool) -> Tensor:
        """[B, S, H] a draw from the posterior given the encoded target [B, S, H], else from the prior.

        It is zero without noise, and in the training of a net that has noise only when solving.
        """
        if self.variant == "none" or (learning and self.variant == "inference"):
            return torch.zeros_like(u)
        mean, scale = self.prior(u) if encoded is None else self.posterior(u + encoded)
        return (mean + scale * torch.randn_like(mean)).to(u.dtype)  # type: ignore[no-any-return]

    # The last step of a segment, in Pyro ------------------------------------------------------------------------------

    def _model(self, u: Tensor, encoded: Tensor, view: Any, target: Target) -> tuple[Tensor, Readout]:
        """p(ε) p(target | ε): the prior's increment and the likelihood of the target over free variables."""
        with pyro.plate("rows", len(u)):
            increment = pyro.sample("increment", _normal(*self.prior(u)).to_event(2))
            high = u + increment.to(u.dtype)
            readout = self.read((high,), view)
            logits = readout.logits.float().masked_fill(~target.allowed, -torch.inf)
            values = dist.Categorical(logits=logits, validate_args=False).mask(target.free)
            pyro.sample("answer", values.to_event(1), obs=target.answer)
        return high, readout

    def _guide(self, u: Tensor, encoded: Tensor, view: Any, target: Target) -> None:
        """q(ε | target): the posterior's increment."""
        with pyro.plate("rows", len(u)):
            pyro.sample("increment", _normal(*self.posterior(u + encoded)).to_event(2))

    def _value_loss(self, z: Latent, readout: Readout, target: Target) -> Float[Tensor, " rows"]:
        """[B] squared error of the value head. Its gradient reaches the head alone."""
        with torch.no_grad():
            masked = readout.logits.float().masked_fill(~target.allowed, -torch.inf)
            right = ((masked.argmax(-1) == target.answer) & target.free).sum(1) / target.number()
        return (self.predicted_accuracy(tuple(t.detach() for t in z)).float() - right) ** 2


def elbo(model: Any, guide: Any, *arguments: Any) -> tuple[Tensor, Readout, Tensor, Tensor]:
    """The two terms of the evidence lower bound, with the divergence in closed form as in ``TraceMeanField_ELBO``.

    Args:
        model: a Pyro model with the sites ``increment`` and ``answer``; it returns (h, read-out).
        guide: a Pyro guide with the site ``increment``.
        arguments: of both.

    Returns:
        h [B, S, H] and the read-out of the model, the log-likelihood of the answer [B], the balanced divergence [B].
    """
    drawn = poutine.trace(guide).get_trace(*arguments)
    played = poutine.trace(poutine.replay(model, drawn)).get_trace(*arguments)
    answer = played.nodes["answer"]
    q, p = (trace.nodes["increment"]["fn"].base_dist for trace in (drawn, played))
    high, readout = played.nodes["_RETURN"]["value"]
    divergence = balanced_kl((q.loc, q.scale), (p.loc, p.scale))
    return high, readout, answer["fn"].log_prob(answer["value"]), divergence


def balanced_kl(posterior: Moments, prior: Moments) -> Float[Tensor, " rows"]:
    """[B] 0.8 · KL(sg(q) ‖ p) + 0.2 · KL(q ‖ sg(p)), summed over positions and numbers; sg stops the gradient.

    The larger share moves the prior towards the posterior (KL balancing; Hafner et al. 2021, DreamerV2).

    Args:
        posterior: q, [B, S, H] twice.
        prior: p, [B, S, H] twice.
    """
    fixed_q, fixed_p = (_normal(*(t.detach() for t in moments)) for moments in (posterior, prior))
    for_prior = kl_divergence(fixed_q, _normal(*prior))
    for_posterior = kl_divergence(_normal(*posterior), fixed_p)
    return (KL_BALANCE * for_prior + (1 - KL_BALANCE) * for_posterior).sum((1, 2))


def _normal(mean: Tensor, scale: Tensor) -> Any:
    return dist.Normal(mean, scale, validate_args=False)  # validation would wait for the device


class Gram(Learned):
    """Generative Recursive Model: each step adds a random increment to the state, so that rows find different answers.

    Training fits a prior over increments to a posterior that reads the target. Solving draws increments from the prior
    in several trajectories side by side, and keeps the best answer.
    """

    name: ClassVar[str] = "gram"
    auto_turn: ClassVar[int | None] = None  # meant for several answers, which auto enumerates with cpsat
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

    high: int = Field(3, ge=1, le=16, description="steps of a segment (T); only the last one has a gradient")
    low: int = Field(4, ge=1, le=32, description="updates of the state l in each step (K)")
    beta: float = Field(BETA, ge=0, description="weight of the divergence of posterior and prior")
    variant: Variant = Field(
        "full",
        description="learned parts of the noise: full (scale and mean), scale, mean, noise (neither), inference (neither, and "
        "noise only when solving), or none (no noise)",
    )
    undecided_share: float = Field(0.5, gt=0, le=1, description=UNDECIDED_SHARE)
    segments: int = Field(16, ge=1, description="segments after which a trajectory restarts")
    copies: int = Field(
        8, ge=1, description="trajectories of a problem that run side by side, unless --restarts is given"
    )

    def reasoner(self, shape: NetShape) -> GramNet:
        return GramNet(shape, self.high, self.low, self.beta, self.variant)

    @field_validator("beta", mode="before")
    @classmethod
    def _stated(cls, beta: Any) -> Any:
        return BETA if beta is None else beta  # stored runs have None for the default

    def recipe(self) -> Mapping[str, Any]:
        return {**PUBLISHED, "loss": "softmax", "ema": 0.9999} if self.preset == "paper" else {"max_segments": 16}
