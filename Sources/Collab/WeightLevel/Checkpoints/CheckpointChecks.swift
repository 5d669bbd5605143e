#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension Checkpoint {
    /// The description of a tensor of which a range of elements is to be read.
    ///
    /// Throws ``CollabError/Code/tensorMismatch`` if there is no such tensor or range, or the buffer has another size.
    func checkRange(
        _ tensor: String,
        _ elements: Range<Int>,
        _ buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) -> TensorDescription {
        guard let description = description(of: tensor) else {
            throw CollabError(.tensorMismatch, "\(name) has no tensor called “\(tensor)”.")
        }
        guard elements.lowerBound >= 0, elements.upperBound <= description.elementCount else {
            throw CollabError(
                .tensorMismatch,
                "The tensor “\(tensor)” of \(name) has \(description.elementCount) elements, not \(elements)."
            )
        }
        guard buffer.count == elements.count else {
            throw CollabError(
                .tensorMismatch,
                "\(elements.count) elements of “\(tensor)” do not fit a buffer of \(buffer.count)."
            )
        }
        return description
    }
}

/// Throws ``CollabError/Code/tensorMismatch`` unless two checkpoints have tensors of the same names and shapes.
func checkTensors(of other: any Checkpoint, against base: any Checkpoint) throws(CollabError) {
    let expected = Dictionary(base.tensors.map { ($0.name, $0) }) { first, _ in first }
    var found: Set<String> = []
    for tensor in other.tensors {
        guard let match = expected[tensor.name] else {
            throw CollabError(
                .tensorMismatch,
                "\(other.name) has a tensor “\(tensor.name)” that \(base.name) lacks."
            )
        }
        guard match.shape == tensor.shape else {
            throw CollabError(
                .tensorMismatch,
                """
                The tensor “\(tensor.name)” has the shape \(tensor.shape) in \(other.name) and \(match.shape) in \
                \(base.name); only models of one architecture and size can be merged.
                """
            )
        }
        found.insert(tensor.name)
    }
    if let missing = base.tensors.first(where: { !found.contains($0.name) }) {
        throw CollabError(
            .tensorMismatch,
            "\(other.name) lacks the tensor “\(missing.name)” that \(base.name) has."
        )
    }
}

extension TensorStorage {
    /// Whether another storage has the same format and bytes.
    func holdsSameBytes(as other: TensorStorage) -> Bool {
        guard format == other.format else { return false }
        return withBytes { mine in
            other.withBytes { theirs in
                guard mine.count == theirs.count else { return false }
                guard let a = mine.baseAddress, let b = theirs.baseAddress, a != b else { return true }
                return memcmp(a, b, mine.count) == 0
            }
        }
    }
}

/// Tells values that were made separately apart; copies of one value share it.
final class CheckpointIdentity: Sendable {}
