"""A checkpoint's tensors as the attribute tree its dotted names spell: `w.model.layers[0].self_attn.q_proj`."""

from __future__ import annotations

from collections.abc import Mapping

from galop.errors import ModelFileError
from galop.ops.plan import Matrix, Vector

Shape = tuple[int, ...]


class Tree:
    """A place in the tree. Given to an op it stands for the tensor there, `.weight` implied; false where none is."""

    def __init__(self, shapes: Mapping[str, Shape], path: str = "") -> None:
        self._shapes = shapes
        self._path = path

    def __getattr__(self, name: str) -> Tree:
        if name.startswith("__"):
            raise AttributeError(name)
        return Tree(self._shapes, f"{self._path}.{name}" if self._path else name)

    def __getitem__(self, index: int) -> Tree:
        return Tree(self._shapes, f"{self._path}.{index}")

    def __bool__(self) -> bool:
        return self._path in self._shapes or f"{self._path}.weight" in self._shapes

    def of(self, size: int) -> Tree:
        """The same place, at which is a vector of this size. Raises ModelFileError if there is another tensor."""
        if self.shape != (size,):
            raise ModelFileError(
                f"the weights do not fit the configuration: {self._path} has the shape {self.shape}, not ({size},)"
            )
        return self

    @property
    def shape(self) -> Shape:
        """Raises ModelFileError if there is no vector or matrix here."""
        found = self._resolve()
        return (found.size,) if isinstance(found, Vector) else (found.rows, found.cols)

    def _resolve(self) -> Matrix | Vector:
        name = self._path if self._path in self._shapes else f"{self._path}.weight"
        shape = self._shapes.get(name)
        if shape is None:
            raise ModelFileError(f"the tensor {name} is missing; the file is incomplete or of another architecture")
        if len(shape) == 2:
            return Matrix(name, *shape)
        if len(shape) == 1:
            return Vector(name, *shape)
        raise ModelFileError(f"the tensor {name} has {len(shape)} dimensions where one or two are expected")
