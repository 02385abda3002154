"""The parts of a training: targets, batches, loss, schedule, network."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from labkit.datasets import Normalisation
from labkit.errors import InvalidInput
from labkit.project import classes_from_names
from labkit.training import Network, architecture_named, class_indices
from labkit.training.losses import segmentation_loss
from labkit.training.targets import make_targets

CLASSES = classes_from_names(["nucleus", "debris"])


def test_touching_objects_get_a_border_between_them() -> None:
    """Two pixels on either side of the common edge become border; edges towards background do not."""
    objects = np.zeros((1, 9, 12), np.uint32)
    objects[0, 1:8, 1:6], objects[0, 1:8, 6:11] = 1, 2
    targets = make_targets((objects > 0).astype(np.uint8), objects, CLASSES, 3)
    assert targets[0, 4].tolist() == [0, 1, 1, 1, 3, 3, 3, 3, 1, 1, 1, 0]


def test_a_narrow_gap_is_border_too() -> None:
    """Otherwise two nuclei a pixel apart would be taught as one."""
    objects = np.zeros((1, 9, 13), np.uint32)
    objects[0, 1:8, 1:6], objects[0, 1:8, 7:12] = 1, 2
    targets = make_targets((objects > 0).astype(np.uint8), objects, CLASSES, 3)
    assert targets[0, 4].tolist() == [0, 1, 1, 1, 1, 3, 3, 3, 1, 1, 1, 1, 0]


def test_an_object_that_would_be_all_border_keeps_its_class() -> None:
    """Otherwise it could never be found."""
    objects = np.zeros((1, 8, 12), np.uint32)
    objects[0, 2:6, 1:6], objects[0, 3:5, 6:8] = 1, 2
    targets = make_targets((objects > 0).astype(np.uint8), objects, CLASSES, 3)
    assert (targets[0, 3:5, 6:8] == 1).all()


def test_unknown_pixels_stay_unknown() -> None:
    """255 is no class and gets no border."""
    masks, objects = np.full((1, 4, 4), 255, np.uint8), np.zeros((1, 4, 4), np.uint32)
    assert (make_targets(masks, objects, CLASSES, 3) == 255).all()


def test_walls_are_those_of_a_window_around_each_pixel() -> None:
    """What is computed by rows and columns equals the two filters of scipy, on crowded chips, up to their edges."""
    rng = np.random.default_rng(0)
    objects = np.kron(rng.integers(0, 4, (3, 10, 10)), np.ones((1, 5, 5), int)).astype(np.uint32)
    targets = make_targets((objects > 0).astype(np.uint8), objects, CLASSES, 3)
    for chip, target in zip(objects.astype(np.int64), targets, strict=True):
        highest = ndimage.maximum_filter(chip, 5, mode="nearest")
        lowest = ndimage.minimum_filter(np.where(chip > 0, chip, 2**40), 5, mode="nearest")
        wall = (highest > 0) & (highest != lowest)
        swallowed = [k for k in range(1, 4) if (chip == k).any() and wall[chip == k].all()]
        assert ((target == 3) == (wall & ~np.isin(chip, swallowed))).all()


def test_class_ids_and_outputs_need_not_be_equal() -> None:
    """Ids 5 and 9 become outputs 1 and 2; an id that is not taught is ignored."""
    table = class_indices([CLASSES[0].model_copy(update={"id": 5}), CLASSES[1].model_copy(update={"id": 9})])
    assert table[[0, 5, 9, 7, 255]].tolist() == [0, 1, 2, 255, 255]


def test_a_batch_without_known_pixels_has_no_loss_and_no_gradient() -> None:
    """Weights stay finite."""
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = segmentation_loss(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0
    assert bool((logits.grad == 0).all())


@pytest.mark.parametrize("dice", [0.0, 0.5])
def test_dice_counts_as_much_as_asked(dice: float) -> None:
    """The loss is cross-entropy plus a share of the rest."""
    logits, targets = torch.randn(2, 3, 8, 8), torch.randint(0, 3, (2, 8, 8))
    entropy, both = segmentation_loss(logits, targets, dice=0.0), segmentation_loss(logits, targets)
    assert segmentation_loss(logits, targets, dice=dice).item() == pytest.approx((entropy + dice * (both - entropy)).item(), abs=1e-6)


def test_unknown_pixels_do_not_change_the_loss() -> None:
    """The loss over half a picture is that of the half alone."""
    logits, targets = torch.randn(1, 3, 4, 8), torch.randint(0, 3, (1, 4, 8))
    half = targets.clone()
    half[:, :, 4:] = 255
    assert segmentation_loss(logits, half).item() == pytest.approx(segmentation_loss(logits[..., :4], targets[..., :4]).item(), abs=1e-6)


def test_an_unknown_architecture_lists_the_known_ones() -> None:
    """The hint helps."""
    with pytest.raises(InvalidInput) as caught:
        architecture_named("unet-xxl")
    assert "unet-s" in caught.value.hint


@pytest.fixture(params=["unet-s", "unet-m"])
def network(request: pytest.FixtureRequest) -> Network:
    """Give an untrained network whose BatchNorm statistics are not the initial ones."""
    torch.manual_seed(0)
    architecture = architecture_named(request.param)
    module = architecture.build(1, 3)
    module.train()
    with torch.no_grad():
        for _ in range(3):
            module(torch.rand(2, 1, 64, 64))
    return Network(
        module,
        normalisation=Normalisation(low=(0.0,), high=(255.0,)),
        stride_px=architecture.stride_px,
        halo_px=architecture.halo_px,
        border_index=2,
        device="cpu",
    )


def test_the_halo_is_the_receptive_field(network: Network) -> None:
    """A pixel beyond the halo changes nothing; well inside it, something (at its rim, less than float32 holds)."""
    rng = np.random.default_rng(0)
    halo, size = network.halo_px, 16 * network.halo_px // 4
    pixels = rng.integers(0, 255, (1, size, size), np.uint8)
    middle = size // 2 // network.stride_px * network.stride_px
    before = network.probabilities(pixels)[:, middle, middle]
    far = pixels.copy()
    far[0, :, : middle - halo] = 255 - far[0, :, : middle - halo]
    assert (network.probabilities(far)[:, middle, middle] == before).all()
    near = pixels.copy()
    near[0, :, : middle - halo // 4] = 255 - near[0, :, : middle - halo // 4]
    assert (network.probabilities(near)[:, middle, middle] != before).any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (17, 4)])
def test_any_size_gets_an_answer_of_that_size(network: Network, shape: tuple[int, int]) -> None:
    """Tiny and odd pictures are filled up and cut back; probabilities add up to 1."""
    answer = network.probabilities(np.zeros((1, *shape), np.uint8))
    assert answer.shape == (3, *shape)
    assert np.allclose(answer.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize(("probabilities", "answer"), [([0.1, 0.1, 0.3, 0.5], 2), ([0.3, 0.1, 0.1, 0.5], 0)])
def test_a_border_pixel_belongs_to_what_is_likeliest_beside(probabilities: list[float], answer: int) -> None:
    """Border is not a class that anybody asked for; the pixel is not inside an object either."""
    network = Network(
        torch.nn.Identity(), normalisation=Normalisation(low=(0,), high=(1,)), stride_px=1, halo_px=0, border_index=3, device="cpu"
    )
    classes, inside = network.split(np.array(probabilities, np.float32)[:, None, None])
    assert (classes.tolist(), inside.tolist()) == ([[answer]], [[False]])
