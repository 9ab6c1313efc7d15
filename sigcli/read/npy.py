"""``.npy`` and ``.npz``: what NumPy saves.

Nothing that a file holds is ever executed: the data are numbers, or are refused.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import prod
from typing import IO, TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy_format

from ..arrays import inexact, not_real, real
from ..errors import FileError, SigcliError
from .files import shown
from .members import Loaded, shaped
from .typed import MAX_DIMENSIONS

if TYPE_CHECKING:
    from ..arrays import Array
    from .files import Reference
    from .members import Members


@dataclass(frozen=True)
class Header:
    """What an ``.npy`` file says of its data.

    Attributes
    ----------
    shape : tuple of int
        Of the array.
    fortran : bool
        Whether the first index varies fastest.
    dtype : dtype
        Of one value, in the file's byte order.
    """

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def count(self) -> int:
        """The number of values."""
        return prod(self.shape)


def npy_header(reference: Reference, file: IO[bytes], size: int) -> Header:
    """Read the header of an ``.npy`` file of `size` bytes; `file` then stands at the data.

    Raises
    ------
    FileError
        If it is no header, or promises more data than there are.
    DtypeError
        If the data are no real numbers of at most 64 bits.
    """
    start = file.tell()
    where = f"{reference.name}: {shown(reference.path)}"
    try:
        version = npy_format.read_magic(file)
        first, second = npy_format.read_array_header_1_0, npy_format.read_array_header_2_0
        read = {(1, 0): first, (2, 0): second}[version]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that Python 2 wrote it is no fault
            shape, fortran, dtype = read(file)
    except Exception as error:  # whatever ast and tokenize find wrong with it
        raise FileError(f"{where} is no .npy file: its header cannot be read") from error
    if dtype.subdtype is not None:
        raise not_real(reference.name, dtype)
    real(reference.name, np.empty(0, dtype))
    header = Header(shape, fortran, dtype)
    left = size - (file.tell() - start)
    if not all(type(length) is int for length in shape) or len(shape) > MAX_DIMENSIONS:
        raise FileError(f"{where} is no .npy file: its header gives no shape")
    if min(shape, default=0) < 0 or header.count * dtype.itemsize > left:
        raise FileError(
            f"{where} is cut off: its header promises {header.count} values of {dtype.itemsize} "
            f"bytes, and {left} bytes follow"
        )
    return header


def read_npy(reference: Reference, file: IO[bytes], size: int, notes: list[str]) -> Array:
    """Read an ``.npy`` file of `size` bytes; `notes` is told what float64 does not hold."""
    header = npy_header(reference, file, size)
    size = header.count * header.dtype.itemsize
    data = file.read(size)
    if len(data) < size:
        raise FileError(f"{reference.name}: {shown(reference.path)} is cut off")
    values = np.frombuffer(data, header.dtype)
    notes += inexact(reference.name, values)
    return shaped(
        reference.name,
        real(reference.name, values),
        header.shape,
        order="F" if header.fortran else "C",
    )


def read_npz(members: Members, file: IO[bytes]) -> Loaded:
    """Read members of an archive, each only as far as its header says that it goes."""
    try:
        with ZipFile(file) as archive:
            names = [info.filename.removesuffix(".npy") for info in archive.infolist()]
            infos = dict(zip(names, archive.infolist(), strict=True))
            arrays, notes = {}, list[str]()
            for name, member in members.chosen(names).items():
                with archive.open(infos[member]) as data:
                    arrays[name] = read_npy(members.reference, data, infos[member].file_size, notes)
            return Loaded(arrays, notes)
    except (SigcliError, MemoryError):
        raise
    except Exception as error:  # whatever zipfile and the decompressors find wrong with it
        raise FileError(f"{members.where} is no .npz file: {error}") from None
