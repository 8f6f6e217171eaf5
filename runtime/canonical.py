"""An ONNX graph in one canonical form, whatever names and order its exporter chose.

tf2onnx names constants in the order of Python's sets, which differs from process to process. Here
nodes are in the order in which the outputs need them, and names follow that order: the same network
is the same bytes, and the same sha256. What no output needs is left out.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import count
from typing import Any

_NAMELESS = "unk__"  # tf2onnx's name for a free axis, before a number


def canonical(model: Any) -> Any:
    """Returns a copy of an `onnx.ModelProto` that calculates the same.

    Inputs and outputs keep their names. Other names are numbered; descriptions, metadata and the
    shapes of inner values are dropped.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.doc_string = ""
    del copy.metadata_props[:]
    copy.opset_import.sort(key=lambda opset: opset.domain)
    ends = {end.name for end in (*copy.graph.input, *copy.graph.output)}
    free = (name for name in map("v{}".format, count()) if name not in ends)
    _write(copy.graph, {}, free, keep=ends)
    return copy


def _write(
    graph: Any, outer: Mapping[str, str], free: Iterator[str], *, keep: Collection[str] = ()
) -> None:
    """Rewrites an `onnx.GraphProto` in place.

    Args:
        graph: A model's, or one inside a node.
        outer: Old name -> new name of values from outside that it may use.
        free: Names that nothing in the model has.
        keep: Names that stay.
    """
    nodes = _ordered(graph)
    constants = {constant.name: constant for constant in graph.initializer}
    inputs = [value.name for value in graph.input]
    made = {*inputs, *constants, *(name for node in nodes for name in node.output if name)}
    own: dict[str, str] = {}
    for name in (*inputs, *_mentioned(graph, nodes)):
        if name in made and name not in own:
            own[name] = name if name in keep else next(free)
    names = {"": "", **outer, **own}
    used = [constants[name] for name in own if name in constants]
    for number, node in enumerate(nodes):
        node.name, node.doc_string = f"{node.op_type}_{number}", ""
        node.attribute.sort(key=lambda attribute: attribute.name)
        for inner in _graphs(node):
            _write(inner, names, free)
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for value in (*used, *graph.input, *graph.output):
        value.name, value.doc_string = names[value.name], ""
    _name_axes(graph)
    graph.name, graph.doc_string = "graph", ""
    del graph.value_info[:], graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(used)


def _ordered(graph: Any) -> list[Any]:
    """Returns the nodes that the outputs need, each after those that it needs itself."""
    maker = {name: i for i, node in enumerate(graph.node) for name in node.output if name}
    needs = [[maker[n] for n in _needs(node) if n in maker] for node in graph.node]
    order: dict[int, None] = {}
    for end in graph.output:
        waiting = [maker[end.name]] if end.name in maker else []
        while waiting:  # a stack: networks are deeper than Python lets a function call itself
            node = waiting[-1]
            before = next((i for i in needs[node] if i not in order), None)
            if before is None:
                order[waiting.pop()] = None
            else:
                waiting.append(before)
    return [_copy(graph.node[i]) for i in order]


def _needs(node: Any) -> list[str]:
    """Returns what a node takes, the graphs inside it too."""
    return [*node.input, *(name for inner in _graphs(node) for name in _from_outside(inner))]


def _from_outside(graph: Any) -> list[str]:
    nodes = _ordered(graph)
    own = {value.name for value in (*graph.input, *graph.initializer)}
    own |= {name for node in nodes for name in node.output}
    return [name for name in _mentioned(graph, nodes) if name and name not in own]


def _mentioned(graph: Any, nodes: list[Any]) -> Iterator[str]:
    for node in nodes:
        yield from _needs(node)
        yield from node.output
    yield from (end.name for end in graph.output)


def _graphs(node: Any) -> list[Any]:
    """Returns the graphs inside a node: bodies of loops, branches."""
    attributes = sorted(node.attribute, key=lambda attribute: attribute.name)
    return [
        inner
        for attribute in attributes
        for inner in ([attribute.g] if attribute.HasField("g") else attribute.graphs)
    ]


def _name_axes(graph: Any) -> None:
    """Numbers the free axes that have no name of their own."""
    known: dict[str, str] = {}
    for value in (*graph.input, *graph.output):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param.startswith(_NAMELESS):
                axis.dim_param = known.setdefault(axis.dim_param, f"axis_{len(known)}")


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
