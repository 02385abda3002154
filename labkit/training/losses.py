"""Cross-entropy plus Dice, blind to pixels that nobody annotated."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from labkit.datasets import IGNORE

__all__ = ["segmentation_loss"]


def segmentation_loss(logits_NKHW: Tensor, targets_NHW: Tensor, weights_K: Tensor | None = None, dice: float = 1.0) -> Tensor:
    """Return cross-entropy plus soft Dice loss, both over known pixels only; 0 (with gradient 0) if there is none.

    Parameters
    ----------
    logits_NKHW : float tensor
        Of any precision; the loss is computed in float32.
    targets_NHW : int64 tensor
        0..K-1, or 255 for a pixel to ignore.
    weights_K : float tensor, optional
        How much each class counts in the cross-entropy; each above 0.
    dice : float
        How much Dice counts.

    Notes
    -----
    Dice after Milletari et al. (2016), averaged over the classes that are present.
    """
    known = targets_NHW != IGNORE
    if not bool(known.any()):
        return logits_NKHW.sum() * 0.0
    logits_NKHW = logits_NKHW.float()
    cross_entropy = F.cross_entropy(logits_NKHW, targets_NHW, weight=weights_K, ignore_index=IGNORE)
    outputs = logits_NKHW.shape[1]
    weight_N1HW = known.unsqueeze(1).to(logits_NKHW.dtype)
    truth_NKHW = F.one_hot(targets_NHW.where(known, 0), outputs).permute(0, 3, 1, 2).to(logits_NKHW.dtype) * weight_N1HW
    guess_NKHW = torch.softmax(logits_NKHW, dim=1) * weight_N1HW
    overlap_K = (truth_NKHW * guess_NKHW).sum(dim=(0, 2, 3))
    size_K = truth_NKHW.sum(dim=(0, 2, 3)) + guess_NKHW.sum(dim=(0, 2, 3))
    present_K = truth_NKHW.sum(dim=(0, 2, 3)) > 0
    dice_K = (2 * overlap_K + 1) / (size_K + 1)
    return cross_entropy + dice * (1 - dice_K[present_K].mean())
