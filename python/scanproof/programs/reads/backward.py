"""Operations of PyTorch that compute gradients."""

from scanproof.programs.labels import Reader, State, conservative
from scanproof.programs.program import Node
from scanproof.programs.reads.reductions import whole_axes
from scanproof.programs.table import row


@row("_softmax_backward_data", "_log_softmax_backward_data")
def softmax_backward(reader: Reader, node: Node) -> State:
    """Read the gradient and the result along the axis of the softmax."""
    gradient, result, dim = node.args[:3]
    rank = len(result.shape)
    whole = whole_axes(reader, gradient, [dim % rank], True)
    if node.op.overloadpacket.__name__ == "_log_softmax_backward_data":
        return State(reader.joined(whole, reader.parts(result)))
    return State(reader.joined(whole, whole_axes(reader, result, [dim % rank], True)))


@row("native_layer_norm_backward", "_fused_rms_norm_backward")
def layer_norm_backward(reader: Reader, node: Node) -> list[State]:
    """Read the last axes for the gradient of the input, all others for those of the weights."""
    gradient, value, shape = node.args[:3]
    rank = len(value.shape)
    own, rest = list(range(rank - len(shape), rank)), list(range(rank - len(shape)))
    vectors = [each for each in node.reads if each is not gradient and each is not value]
    statistics = reader.all_of([each for each in vectors if len(each.shape) == rank])
    scales = [each for each in vectors if len(each.shape) < rank]
    others = statistics
    for each in scales:
        others = reader.joined(others, whole_axes(reader, each, list(range(len(each.shape))), False))
    inputs = reader.joined(whole_axes(reader, gradient, own, True), whole_axes(reader, value, own, True))
    weights = reader.joined(whole_axes(reader, gradient, rest, False), whole_axes(reader, value, rest, False))
    for each in vectors:
        weights = reader.joined(weights, whole_axes(reader, each, list(range(len(each.shape))), False))
    state = State(weights)
    return [State(reader.joined(inputs, others)), state, state][: len(node.outputs)]


@row(
    "convolution_backward", "native_group_norm_backward", "native_batch_norm_backward",
    "embedding_dense_backward", "_scaled_dot_product_flash_attention_for_cpu_backward",
    "mkldnn_rnn_layer_backward", "_embedding_bag", "col2im", "_cdist_backward", "_pdist_backward",
    "upsample_bilinear2d_backward", "upsample_nearest2d_backward", "max_pool3d_with_indices_backward",
    "avg_pool3d_backward", "_adaptive_avg_pool3d_backward", "reflection_pad1d_backward",
    "reflection_pad2d_backward", "replication_pad1d_backward", "grid_sampler_2d_backward",
)  # fmt: skip
def everything(reader: Reader, node: Node) -> list[State]:
    """Read everything; this table has no exact row for these operations."""
    return conservative(reader, node)
