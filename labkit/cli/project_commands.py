"""`labkit project create|list|show|group`."""

from __future__ import annotations

from pathlib import Path

import click

from labkit.cli.app import command, project_option
from labkit.cli.console import Answer
from labkit.config import projects_dir
from labkit.errors import InvalidInput
from labkit.project import Project, list_projects

__all__ = ["open_project", "project_command"]


def open_project(path: Path | None) -> Project:
    """Open the project that the user named, or the one we stand in."""
    return Project.open(path) if path is not None else Project.find()


@click.group("project")
def project_command() -> None:
    """Make, list and show projects; say what images belong to."""


@project_command.command("create")
@click.argument("name")
@click.option("--class", "classes", multiple=True, help="Name of a class of objects; give it once per class.")
@click.option("--title", default="", help="Title that people see; default: the name.")
@click.option("--images", "images_url", default=None, help="s3:// address below which its images live; default: the project's folder.")
@command
def create(name: str, classes: tuple[str, ...], title: str, images_url: str | None) -> Answer:
    """Make the folder NAME in the current directory, as a new project."""
    project = Project.create(Path.cwd(), name, title=title, classes=classes, images_url=images_url)
    return Answer(project.summary(), (f"Made the project {project.title} in {project.path}",))


@project_command.command("list")
@click.argument("folder", type=click.Path(readable=False, path_type=Path), required=False)
@command
def list_(folder: Path | None) -> Answer:
    """List the projects in FOLDER; default: $LABKIT_PROJECTS, else ~/projects."""
    where = folder or projects_dir()
    found = list_projects(where)
    lines = [f"{p.title}: {p.images} image(s), {p.annotated_images} annotated, {p.models} model(s)  {p.path}" for p in found]
    return Answer(
        {"folder": str(where), "projects": [p.model_dump(mode="json") for p in found]}, tuple(lines) or (f"No projects in {where}.",)
    )


@project_command.command("show")
@project_option
@command
def show(project_path: Path | None) -> Answer:
    """Show what is in a project."""
    project = open_project(project_path)
    summary, images = project.summary(), project.images()
    lines = [f"{project.title} ({project.path})", "classes: " + (", ".join(summary.classes) or "none")]
    lines += [f"image {i.id}: {i.name}, {i.width_px} x {i.height_px} px, {i.channels} channel(s), {i.dtype}" for i in images]
    lines.append(
        f"{summary.training_sets} training set(s), {summary.runs} run(s), {summary.models} model(s), {summary.predictions} prediction(s)"
    )
    data = summary.model_dump(mode="json")
    return Answer(data | {"image_records": [i.model_dump(mode="json") for i in images]}, tuple(lines))


@project_command.command("group")
@click.argument("image", required=False)
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option("--remove", is_flag=True, help="IMAGE belongs to no KEY any more.")
@project_option
@command
def group(image: str | None, key: str | None, value: str | None, remove: bool, project_path: Path | None) -> Answer:
    """Say that IMAGE (its id or name) belongs to VALUE of the kind KEY (slide, animal, ...), or show what is known."""
    project = open_project(project_path)
    if key is not None and image is not None and (value is None) == remove:
        project.set_group(image, key, value)
    elif key is not None or value is not None or remove:
        raise InvalidInput("It is open what is to be done.", hint="Write 'labkit project group IMAGE KEY VALUE', or IMAGE KEY --remove.")
    chosen = project.images() if image is None else (project.image(image),)
    known = project.groups()
    rows = [{"image": record.id, "name": record.name, "groups": known.get(record.id, {})} for record in chosen]
    return Answer({"images": rows}, tuple(f"{row['name']}: {_groups_of(known.get(str(row['image']), {}))}" for row in rows))


def _groups_of(groups: dict[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(groups.items())) or "no group"
